"""Seconds, milliseconds and ISO-8601 are one moment in UTC."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import timestamps

MOMENT = datetime(2026, 1, 15, 21, 35, 35, tzinfo=UTC)

moments = st.datetimes(
    timestamps.EARLIEST.replace(tzinfo=None),
    timestamps.LATEST.replace(tzinfo=None) - timedelta(days=1),
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    "written",
    [
        1768512935,
        1768512935.0,
        1768512935000,
        "1768512935",
        "1768512935000",
        " 2026-01-15T21:35:35Z ",
        "2026-01-15T21:35:35",
        "2026-01-15 18:35:35-03:00",
        "20260115T213535Z",
    ],
)
def test_spellings_of_one_moment(written: Any) -> None:
    assert timestamps.parse(written) == MOMENT
    assert timestamps.parse(written).tzinfo is UTC


def test_fractions_are_kept() -> None:
    assert timestamps.parse("2026-01-15T21:35:35.852Z") == MOMENT + timedelta(milliseconds=852)
    assert timestamps.parse(1768512935852) == MOMENT + timedelta(milliseconds=852)
    assert timestamps.parse(1768512935.5) == MOMENT + timedelta(milliseconds=500)


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        (0, "1970"),
        (-1, "not a time"),
        (-62_135_596_801, "not a time"),
        (86_400, "1970"),
        ("20260115", "1970"),
        (32_503_680_000, "3000"),
        ("3000-01-01", "3000"),
        ("0001-01-01T00:00:00+14:00", "not a time"),
        ("9999-12-31T23:59:59-14:00", "not a time"),
        (1e300, "not a time"),
        (float("nan"), "not a time"),
        (float("inf"), "not a time"),
        (10**400, "not a time"),
        (1768512935852000, "not a time"),
        ("", "not a time"),
        ("ontem", "not a time"),
        ("9" * 5000, "not a time"),
        ("\u0661\u0662", "not a time"),
        ("\ud800", "not a time"),
        (True, "expected a time, got bool"),
        (None, "expected a time, got NoneType"),
        ({}, "expected a time, got dict"),
    ],
)
def test_what_cannot_be_meant_is_refused(written: Any, complaint: str) -> None:
    with pytest.raises(timestamps.TimeError, match=complaint):
        timestamps.parse(written)


@given(moments, st.integers(-14 * 60, 14 * 60))
def test_iso_text_reads_back_in_any_zone(moment: datetime, offset: int) -> None:
    zone = timezone(timedelta(minutes=offset))
    assert timestamps.parse(moment.astimezone(zone).isoformat()) == moment


@given(moments)
def test_milliseconds_read_back(moment: datetime) -> None:
    whole = timestamps.milliseconds(moment)
    assert timestamps.parse(whole) == timestamps.from_milliseconds(whole)
    assert moment - timestamps.from_milliseconds(whole) < timedelta(milliseconds=1)


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans() | st.binary())
def test_anything_is_a_moment_within_bounds_or_an_error(value: Any) -> None:
    try:
        moment = timestamps.parse(value)
    except timestamps.TimeError:
        return
    assert timestamps.EARLIEST <= moment < timestamps.LATEST
