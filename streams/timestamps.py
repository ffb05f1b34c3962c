"""Times as producers and the gateway write them: seconds, milliseconds or ISO-8601, all to UTC."""

from datetime import UTC, datetime, timedelta

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


class TimeError(ValueError):
    """A value is no time, or one that cannot be meant."""


_EARLIEST_SECOND = int(EARLIEST.timestamp())
_LATEST_SECOND = int(LATEST.timestamp())
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FIRST_MILLISECONDS = 1e11
_LONGEST_NUMBER = 20
_BEYOND = 1e14  # milliseconds of the year 5138: no clock shows this


def parse(value: object) -> datetime:
    """Read a time as an aware datetime in UTC.

    Numbers, also written as text, are seconds since 1970, from 1e11 on milliseconds. Text is ISO-8601; without an
    offset it means UTC. TimeError says what is wrong, also for a time outside of the years 2000 to 2099, which is a
    mistake in the unit or a default that nobody set.
    """
    if type(value) is int and _EARLIEST_SECOND <= value < _LATEST_SECOND:
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        text = value.strip()
        moment = _iso(text) if text[4:5] == "-" or not _is_number(text) else _number(float(text))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        moment = _number(value)
    else:
        raise TimeError(f"expected a time, got {type(value).__name__}")
    if not EARLIEST <= moment < LATEST:
        raise TimeError(f"{moment.isoformat()} is outside of the years 2000 to 2099")
    return moment


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def from_milliseconds(value: int) -> datetime:
    """The moment so many milliseconds after 1970, without bounds on the year."""
    return _EPOCH + value * _MILLISECOND


def _is_number(text: str) -> bool:
    return (
        0 < len(text) <= _LONGEST_NUMBER
        and text.isascii()
        and text.replace(".", "", 1).isdigit()
        and text[0] != "."
        and text[-1] != "."
    )


def _number(value: float) -> datetime:
    if not 0 <= value < _BEYOND:
        raise TimeError("the number is not a time: expected seconds or milliseconds since 1970")
    return datetime.fromtimestamp(value / 1000 if value >= _FIRST_MILLISECONDS else value, UTC)


def _iso(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is UTC:
            return moment
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise TimeError("the text is not a time: expected ISO-8601, seconds or milliseconds") from None
