from schemas.alarms import Alarm, AlarmKind
from streams.sending.escalation import Escalation
from tests.streams.sending.world import START, seconds


def escalation(*ages: float) -> tuple[Escalation, list[Alarm]]:
    told: list[Alarm] = []
    return Escalation(AlarmKind.CHANNEL_DOWN, ages, told.append), told


def test_an_alarm_rises_with_its_age_and_says_when_it_will() -> None:
    rising, told = escalation(60, 0, 300)
    rising.begin("a", START, "m")
    assert rising.check(START) == START + seconds(60)
    assert rising.check(START + seconds(59)) == START + seconds(60)
    assert rising.check(START + seconds(61)) == START + seconds(300)
    assert rising.check(START + seconds(400)) is None
    assert [(alarm.stage, alarm.at) for alarm in told] == [
        (1, START),
        (2, START + seconds(60)),
        (3, START + seconds(300)),
    ]


def test_whoever_comes_late_says_the_stage_that_is_reached_as_others_said_it() -> None:
    rising, told = escalation(0, 60)
    rising.begin("a", START, "m")
    rising.check(START + seconds(1000))
    assert [(alarm.stage, alarm.at) for alarm in told] == [(2, START + seconds(60))]


def test_the_end_is_told_once_also_where_somebody_before_may_have_raised_it() -> None:
    rising, told = escalation(60)
    for _ in range(2):
        rising.end("a", START)
    assert [(alarm.subject, alarm.is_over) for alarm in told] == [("a", True)]
    rising.begin("b", START, "m")
    rising.check(START)
    rising.end("b", START)
    assert len(told) == 1
