from typing import Any

import pytest

from streams.paces import Pace


@pytest.mark.parametrize(
    ("fields", "pace"),
    [
        ({"every_seconds": 30}, Pace(30.0, None)),
        ({"per_day": 200}, Pace(0.0, 200)),
        ({"every_seconds": 0.5, "per_day": 1}, Pace(0.5, 1)),
        ({"every_seconds": None, "per_day": 7}, Pace(0.0, 7)),
    ],
)
def test_a_pace_says_how_far_apart_and_how_many(fields: dict[str, Any], pace: Pace) -> None:
    assert Pace.of(fields, "pace") == pace


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "pace: says neither"),
        ({"seconds": 3}, "pace: has nothing called 'seconds'"),
        ({"every_seconds": 0}, "pace.every_seconds: must be"),
        ({"every_seconds": -1}, "pace.every_seconds: must be"),
        ({"every_seconds": "30"}, "pace.every_seconds: must be"),
        ({"every_seconds": True}, "pace.every_seconds: must be"),
        ({"every_seconds": 1e9}, "pace.every_seconds: must be"),
        ({"every_seconds": float("nan")}, "pace.every_seconds: must be"),
        ({"per_day": 0}, "pace.per_day: must be"),
        ({"per_day": 1.5}, "pace.per_day: must be"),
        ({"per_day": True}, "pace.per_day: must be"),
        ({"per_day": 10**30}, "pace.per_day: must be"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace(".", r"\.")):
        Pace.of(fields, "pace")
