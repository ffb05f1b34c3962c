"""When an AI must be quiet."""

from datetime import UTC, datetime, timedelta

import pytest

from schemas.mutes import Mute, MuteCause
from streams.mutes import KEPT, Mutes, reason

START = datetime(2026, 1, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def mute(cause: MuteCause = MuteCause.HUMAN, since: datetime = START, event_id: str | None = None) -> Mute:
    return Mute(conversation_id="c", cause=cause, since=since, until=since + HOUR, event_id=event_id)


@pytest.mark.parametrize(
    ("asked_at", "now", "said"),
    [
        (START - SECOND, START + SECOND, "human_replied"),
        (START - SECOND, START + 2 * HOUR, "human_replied"),
        (START + SECOND, START + 2 * SECOND, "muted_by_human"),
        (START + HOUR - SECOND, START + HOUR - SECOND, "muted_by_human"),
        (START + HOUR, START + HOUR, None),
    ],
)
def test_what_was_asked_before_a_person_wrote_is_late_and_what_comes_soon_after_is_muted(
    asked_at: datetime, now: datetime, said: str | None
) -> None:
    assert reason(mute(), asked_at, "e", now) == said


def test_the_answer_that_hands_over_may_be_told_and_no_other() -> None:
    handed = mute(MuteCause.HANDOFF, event_id="e")
    assert reason(handed, START - SECOND, "e", START) is None
    assert reason(handed, START - SECOND, "other", START) == "handed_off"
    assert reason(handed, START + SECOND, "other", START + SECOND) == "muted_by_handoff"


def test_a_person_who_wrote_silences_also_the_answer_that_hands_over() -> None:
    mutes = Mutes()
    mutes.hear(mute())
    mutes.hear(mute(MuteCause.HANDOFF, START + SECOND, "e"))
    assert mutes.reason(["c"], START - SECOND, "e", START + 2 * SECOND) == "human_replied"
    assert mutes.reason(["d", None], START - SECOND, "e", START + 2 * SECOND) is None


def test_older_news_and_news_told_twice_change_nothing() -> None:
    mutes = Mutes()
    assert mutes.hear(mute())
    assert not mutes.hear(mute())
    assert not mutes.hear(mute(since=START - SECOND))
    assert mutes.hear(mute(since=START + SECOND))


def test_a_mute_is_forgotten_a_day_after_its_end_and_the_oldest_where_there_are_too_many() -> None:
    mutes = Mutes(most=1)
    mutes.hear(mute())
    assert list(mutes.forget(START + HOUR + KEPT - SECOND)) == []
    mutes.hear(mute(MuteCause.HANDOFF))
    assert [gone.cause for gone in mutes.forget(START)] == [MuteCause.HUMAN]
    assert [gone.cause for gone in mutes.forget(START + HOUR + KEPT)] == [MuteCause.HANDOFF]
