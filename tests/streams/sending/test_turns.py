from typing import Any

import pytest

from schemas.commands import Policy
from schemas.deliveries import FactKind
from streams.deliveries import Delivery, record
from streams.sending.turns import Turn, may_resend, may_send, turn, wake_at
from tests.streams.sending.world import SCHEDULE, START, command, seconds

WINDOW = seconds(SCHEDULE.uncertain_wait)


def delivery(*facts: tuple[FactKind, int] | tuple[FactKind, int, dict[str, Any]], **changes: Any) -> Delivery:
    """A taken command with these facts, all said at START."""
    asked = command(**changes)
    known, _ = record(Delivery.of(asked), FactKind.ACCEPTED, START, command=asked)
    for kind, attempt, *details in facts:
        known, _ = record(known, kind, START, attempt=attempt, **(details[0] if details else {}))
    return known


STARTED = (FactKind.ATTEMPT_STARTED, 1)
IN_DOUBT = (FactKind.IN_DOUBT, 1)
RETRY = (FactKind.NOT_SENT, 1, {"retry_at": START + seconds(5)})


def test_a_new_command_is_ready() -> None:
    assert turn(delivery(), START, SCHEDULE) is Turn.READY
    assert wake_at(delivery(), START, SCHEDULE) is None


def test_a_command_for_later_lets_others_pass_until_its_time() -> None:
    later = delivery(not_before=START + seconds(60))
    assert turn(later, START, SCHEDULE) is Turn.PASSES
    assert wake_at(later, START, SCHEDULE) == START + seconds(60)
    assert turn(later, START + seconds(60), SCHEDULE) is Turn.READY


def test_an_open_attempt_holds_what_follows() -> None:
    assert turn(delivery(STARTED), START, SCHEDULE) is Turn.HOLDS


def test_a_retry_holds_what_follows_until_it_is_due() -> None:
    retrying = delivery(STARTED, RETRY)
    assert turn(retrying, START, SCHEDULE) is Turn.HOLDS
    assert wake_at(retrying, START, SCHEDULE) == START + seconds(5)
    assert turn(retrying, START + seconds(5), SCHEDULE) is Turn.READY


def test_a_retry_is_woken_when_it_expires_first() -> None:
    retrying = delivery(STARTED, RETRY, expires_at=START + seconds(2))
    assert wake_at(retrying, START, SCHEDULE) == START + seconds(2)


def test_a_doubt_holds_what_follows_for_its_window_only() -> None:
    doubtful = delivery(STARTED, IN_DOUBT)
    assert turn(doubtful, START, SCHEDULE) is Turn.HOLDS
    assert wake_at(doubtful, START, SCHEDULE) == START + WINDOW
    assert turn(doubtful, START + WINDOW, SCHEDULE) is Turn.PASSES
    assert wake_at(doubtful, START + WINDOW, SCHEDULE) is None
    assert not may_send(doubtful, START, SCHEDULE)


def test_a_doubt_is_resent_once_where_its_policy_asks_for_it() -> None:
    doubtful = delivery(STARTED, IN_DOUBT, policy=Policy.AT_LEAST_ONCE)
    assert turn(doubtful, START, SCHEDULE) is Turn.HOLDS
    assert turn(doubtful, START + WINDOW, SCHEDULE) is Turn.READY
    twice = delivery(
        STARTED, IN_DOUBT, (FactKind.ATTEMPT_STARTED, 2), (FactKind.IN_DOUBT, 2), policy=Policy.AT_LEAST_ONCE
    )
    assert turn(twice, START + WINDOW, SCHEDULE) is Turn.PASSES


@pytest.mark.parametrize("end", [(FactKind.NOT_SENT, 2), (FactKind.REFUSED, 2), (FactKind.EXPIRED, 2)])
def test_a_resend_that_came_to_nothing_is_not_made_again(end: tuple[FactKind, int]) -> None:
    ended = delivery(STARTED, IN_DOUBT, (FactKind.ATTEMPT_STARTED, 2), end, policy=Policy.AT_LEAST_ONCE)
    assert not may_resend(ended, START + WINDOW, SCHEDULE)


def test_an_expired_doubt_is_not_resent() -> None:
    doubtful = delivery(STARTED, IN_DOUBT, policy=Policy.AT_LEAST_ONCE, expires_at=START + seconds(30))
    assert turn(doubtful, START + WINDOW, SCHEDULE) is Turn.PASSES


def test_a_settled_command_holds_nothing() -> None:
    sent = delivery(STARTED, (FactKind.ANSWERED, 1))
    assert turn(sent, START, SCHEDULE) is Turn.PASSES
    assert wake_at(sent, START, SCHEDULE) is None


def test_a_command_without_text_is_never_sent() -> None:
    assert turn(delivery().without_command(), START, SCHEDULE) is Turn.PASSES
