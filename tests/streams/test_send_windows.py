from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.send_windows import DAYS, SendWindow

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BUSINESS = SendWindow.of({"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "19:00"}, "w")


def at(text: str, zone: ZoneInfo = SAO_PAULO, fold: int = 0) -> datetime:
    """A time on the wall, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-01-15T12:00", "2026-01-15T12:00"),
        ("2026-01-15T07:59:59", "2026-01-15T08:00"),
        ("2026-01-15T08:00", "2026-01-15T08:00"),
        ("2026-01-15T18:59:59", "2026-01-15T18:59:59"),
        ("2026-01-15T19:00", "2026-01-16T08:00"),
        ("2026-01-16T19:00", "2026-01-19T08:00"),
        ("2026-01-17T12:00", "2026-01-19T08:00"),
    ],
)
def test_business_hours_are_those_of_the_tenant(moment: str, opens: str) -> None:
    assert BUSINESS.next_open(at(moment), SAO_PAULO) == at(opens)


def test_without_days_it_is_every_day_and_may_end_at_midnight() -> None:
    window = SendWindow.of({"from": "20:00", "to": "24:00"}, "w")
    assert window.next_open(at("2026-01-17T23:59"), SAO_PAULO) == at("2026-01-17T23:59")
    assert window.next_open(at("2026-01-18T00:00"), SAO_PAULO) == at("2026-01-18T20:00")


def test_a_day_whose_beginning_does_not_exist_begins_after_the_change() -> None:
    window = SendWindow.of({"from": "00:30", "to": "04:00"}, "w")
    opens = window.next_open(at("2018-11-03T12:00"), SAO_PAULO)  # at midnight of the 4th, clocks went on to 01:00
    assert opens.astimezone(SAO_PAULO).isoformat() == "2018-11-04T01:30:00-02:00"
    assert window.next_open(opens, SAO_PAULO) == opens


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    window = SendWindow.of({"from": "02:00", "to": "03:00"}, "w")
    first, again = (at("2026-10-25T02:30", berlin, fold) for fold in (0, 1))
    assert again - first == timedelta(hours=1)
    assert (window.next_open(first, berlin), window.next_open(again, berlin)) == (first, again)


@given(
    st.integers(0, 12 * 366 * 24 * 60).map(
        lambda minutes: datetime(2018, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from(["America/Sao_Paulo", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia", "UTC"]),
    st.sets(st.sampled_from(DAYS), min_size=1),
    st.tuples(st.integers(0, 47), st.integers(0, 47)).filter(lambda halves: halves[0] < halves[1]),
)
def test_it_opens_within_eight_days_and_is_open_then(
    moment: datetime, name: str, days: set[str], halves: tuple[int, int]
) -> None:
    start, end = (f"{half // 2:02}:{half % 2 * 30:02}" for half in halves)
    zone = ZoneInfo(name)
    window = SendWindow.of({"days": sorted(days), "from": start, "to": end}, "w")
    opens = window.next_open(moment, zone)
    assert moment <= opens <= moment + timedelta(days=8, hours=1)
    assert window.next_open(opens, zone) == opens
    assert DAYS[opens.astimezone(zone).weekday()] in days


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "w.from: must be a time of day"),
        ({"from": "8:00", "to": "19:00"}, "w.from: must be a time of day"),
        ({"from": "08:00", "to": "25:00"}, "w.to: must be a time of day"),
        ({"from": "24:00", "to": "24:00"}, "w.from: must be a time of day"),
        ({"from": "08:00", "to": "08:00"}, "w: from must be earlier"),
        ({"from": "22:00", "to": "06:00"}, "w: from must be earlier"),
        ({"from": "08:00", "to": "19:00", "days": []}, "w.days: must be a list"),
        ({"from": "08:00", "to": "19:00", "days": ["seg"]}, "w.days: must be a list"),
        ({"from": "08:00", "to": "19:00", "days": "mon"}, "w.days: must be a list"),
        ({"from": "08:00", "to": "19:00", "days": [[]]}, "w.days: must be a list"),
        ({"from": "08:00", "to": "19:00", "holidays": True}, "w: has nothing called 'holidays'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace(".", r"\.")):
        SendWindow.of(fields, "w")
