"""Which dead letters are meant: by name or by what is known of them, as a condition in SQL."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from infra.errors import InvalidError, OperatorError, UnknownError
from schemas.events import Coordinates
from streams import identity, topics
from streams.letters import LetterId

STATES: Final = ("open", "redriven", "discarded", "all")


class LetterError(OperatorError):
    """What was asked about dead letters cannot be done; the message says what to do instead."""


class NoLetterError(LetterError, UnknownError):
    """There is no such dead letter."""


class MisnamedLetterError(LetterError, InvalidError):
    """That can be no dead letter's name."""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters: those that all of this holds for. `since` and `until` bound when it failed last, in UTC."""

    names: tuple[str, ...] = ()
    state: str = "open"
    stage: str | None = None
    error: str | None = None
    reason: str | None = None
    topic: str | None = None
    tenant: int | None = None
    channel: str | None = None
    trace: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def condition_of(wanted: Filter) -> tuple[str, list[Any]]:
    """SQL that holds for the letters that are wanted. What an operator's word alone names is no letter yet."""
    parts, values = ["letter.letter_offset IS NOT NULL"], list[Any]()
    if wanted.names:
        named = [_named(name) for name in wanted.names]
        parts.append(f"({' OR '.join(condition for condition, _ in named)})")
        values += [value for _, some in named for value in some]
    if wanted.state != "all":
        parts.append("letter.state = %s")
        values.append(wanted.state)
    if wanted.reason is not None:
        parts.append("LOWER(letter.error_message) LIKE LOWER(%s)")
        values.append(f"%{_literally(wanted.reason)}%")
    if wanted.tenant is not None:
        parts.append(OF_TENANT)
        values += [wanted.tenant, wanted.tenant]
    if wanted.channel is not None:
        parts.append("letter.channel_id = %s")
        values.append(identity.canonical_channel(wanted.channel))
    for column, comparison, value in (
        ("stage", "=", wanted.stage),
        ("error_class", "=", wanted.error),
        ("source_topic", "=", wanted.topic),
        ("trace_id", "=", wanted.trace),
        ("failed_at", ">=", wanted.since),
        ("failed_at", "<=", wanted.until),
    ):
        if value is not None:
            parts.append(f"letter.{column} {comparison} %s")
            values.append(value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value)
    return " AND ".join(parts), values


def _named(name: str) -> tuple[str, list[Any]]:
    letter = LetterId.parse(name)
    place = letter.source if letter else Coordinates.parse(name)
    if place is None:
        raise MisnamedLetterError(
            f"{name!r} is no dead letter's name: that is its stage and its place, as router:raw.event/3@17."
        )
    if place.topic == topics.DEAD_LETTER and letter is None:
        return "(letter.letter_partition = %s AND letter.letter_offset = %s)", [place.partition, place.offset]
    at = "letter.source_topic = %s AND letter.source_partition = %s AND letter.source_offset = %s"
    values: list[Any] = [place.topic, place.partition, place.offset]
    return (f"({at} AND letter.stage = %s)", [*values, letter.stage]) if letter else (f"({at})", values)


def _literally(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


OF_TENANT: Final = (
    "(tenant_id = %s OR (tenant_id IS NULL AND channel_id IN "
    "(SELECT channel.canonical_channel FROM tenant_message_channels AS channel WHERE channel.tenant_id = %s)))"
)
