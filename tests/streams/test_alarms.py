"""Alarms have a beginning and an end, and are said once."""

from datetime import UTC, datetime, timedelta

from schemas.alarms import Alarm, AlarmKind
from streams.alarms import Alarms

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
KINDS = (AlarmKind.CHANNEL_SILENT,)


def alarm(subject: str = "canalum", *, stage: int = 1, minutes: int = 0, kind: AlarmKind = KINDS[0]) -> Alarm:
    return Alarm(kind=kind, subject=subject, message="Look.", at=NOON + timedelta(minutes=minutes), stage=stage)


def over(what: Alarm, minutes: int) -> Alarm:
    at = NOON + timedelta(minutes=minutes)
    return Alarm(kind=what.kind, subject=what.subject, message=what.message, at=at, stage=what.stage, is_over=True)


def known(*said: Alarm) -> Alarms:
    alarms = Alarms()
    for one in said:
        alarms.learn(one)
    return alarms


def test_what_stands_is_not_said_again_and_what_is_new_is() -> None:
    alarms = known(alarm("a"))
    assert alarms.changes([alarm("a", minutes=9), alarm("b", minutes=9)], KINDS, NOON) == [alarm("b", minutes=9)]


def test_the_next_stage_is_said_and_the_alarm_stands_since_its_first() -> None:
    alarms = known(alarm())
    [said] = alarms.changes([alarm(stage=2, minutes=9)], KINDS, NOON)
    alarms.learn(said)
    assert [(one.alarm.stage, one.since) for one in alarms.standing()] == [(2, NOON)]


def test_what_is_not_wanted_any_more_has_ended() -> None:
    alarms = known(alarm(stage=3))
    [said] = alarms.changes([], KINDS, NOON + timedelta(minutes=9))
    assert said == over(alarm(stage=3), 9)
    alarms.learn(said)
    assert alarms.standing() == []
    assert alarms.changes([], KINDS, NOON) == []


def test_alarms_of_other_kinds_are_somebody_elses() -> None:
    alarms = known(alarm(kind=AlarmKind.CHANNEL_DOWN))
    assert alarms.changes([], KINDS, NOON) == []
    assert len(alarms.standing()) == 1


def test_one_that_comes_again_begins_anew() -> None:
    alarms = known(alarm(), over(alarm(), 5), alarm(minutes=7))
    assert [one.since for one in alarms.standing()] == [NOON + timedelta(minutes=7)]


def test_an_alarm_is_news_where_it_does_not_stand_at_its_stage_and_its_end_where_it_stands() -> None:
    alarms = known(alarm("a", stage=2))
    assert [alarms.is_news(alarm("a", stage=stage)) for stage in (1, 2, 3)] == [False, False, True]
    assert [alarms.is_news(over(alarm(name), 5)) for name in ("a", "b")] == [True, False]
