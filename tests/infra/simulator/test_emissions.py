"""Which webhooks follow a message, in which order."""

from itertools import pairwise
from typing import Any

import pytest

from infra.simulator.config import SimulatorConfig
from infra.simulator.emissions import Emission, plan_received, plan_sent
from infra.simulator.faults import Fault, FaultKind
from infra.simulator.state import Message, SimulatedChannel

CHANNEL = SimulatedChannel("Canal Um", "connected")
SENT = Message(
    id="true_5547999990001@c.us_3EB0AA17",
    channel="Canal Um",
    chat="5547999990001@c.us",
    to="5547999990001",
    from_me=True,
    type="chat",
    text="oi",
    at=1768512935.5,
)


def planned(*faults: Fault, **config: Any) -> list[Emission]:
    plan = plan_sent(SENT, CHANNEL, SimulatorConfig(ack_delay_seconds=2.0, **config), faults)
    return [*plan.before_answer, *plan.after_answer]


def told(emissions: list[Emission]) -> list[str | int]:
    """Each emission as one word: `echo`, `shell`, the number of an ack, or the word of a flat one."""
    words: list[str | int] = []
    for emission in emissions:
        payload = emission.body.get("raw", {}).get("payload", {})
        if emission.body["event"] == "message":
            words.append("shell" if payload["type"] == "ciphertext" else "echo")
        else:
            words.append(payload.get("ack", emission.body.get("status")))
    return words


def test_an_echo_and_three_acks_follow_a_send_at_their_times() -> None:
    emissions = planned()
    assert told(emissions) == ["echo", 1, 2, 3]
    assert [emission.after for emission in emissions] == [0.0, 2.0, 4.0, 6.0]


def test_a_late_echo_comes_between_the_acks() -> None:
    assert told(planned(echo_delay_seconds=3.0)) == [1, "echo", 2, 3]


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ([Fault(kind=FaultKind.NO_ECHO)], [1, 2, 3]),
        ([Fault(kind=FaultKind.NO_ACKS)], ["echo"]),
        ([Fault(kind=FaultKind.NO_ACKS), Fault(kind=FaultKind.NO_ECHO)], []),
        ([Fault(kind=FaultKind.ACKS_REVERSED)], ["echo", 3, 2, 1]),
        ([Fault(kind=FaultKind.ACK_FAILED)], ["echo", -1]),
        ([Fault(kind=FaultKind.DUPLICATES, times=2)], ["echo", "echo", 1, 1, 2, 2, 3, 3]),
        ([Fault(kind=FaultKind.CIPHERTEXT_FIRST)], ["shell", "echo", "echo", 1, 2, 3]),
    ],
)
def test_faults_change_what_is_emitted(faults: list[Fault], words: list[str | int]) -> None:
    assert told(planned(*faults)) == words


def test_the_echo_can_come_before_the_answer() -> None:
    plan = plan_sent(SENT, CHANNEL, SimulatorConfig(), [Fault(kind=FaultKind.ECHO_FIRST)])
    assert told(list(plan.before_answer)) == ["echo"]
    assert told(list(plan.after_answer)) == [1, 2, 3]


@pytest.mark.parametrize(
    ("shape", "words"), [("flat", ["sent", "read"]), ("both", [1, "sent", 3, "read"]), ("wrapper", [1, 3])]
)
def test_acks_have_the_shape_and_the_words_that_are_set(shape: str, words: list[str | int]) -> None:
    assert told(planned(ack_shape=shape, acks=("sent", "read"), emit_echo=False)) == words


def test_each_emission_has_ids_of_its_own() -> None:
    emissions = planned(Fault(kind=FaultKind.DUPLICATES, times=3))
    for name in ("event_id", "correlation_id"):
        assert len({emission.body[name] for emission in emissions}) == len(emissions) == 12


def test_acks_are_later_than_their_message() -> None:
    times = [emission.body["timestamp"] for emission in planned()]
    assert all(earlier <= later for earlier, later in pairwise(times))


def test_a_received_message_may_come_as_a_shell_and_thrice() -> None:
    faults = [Fault(kind=FaultKind.CIPHERTEXT_FIRST), Fault(kind=FaultKind.DUPLICATES, times=3)]
    emissions = plan_received(SENT, CHANNEL, faults)
    assert told(list(emissions)) == ["shell"] * 3 + ["echo"] * 6
    assert len({emission.body["message"]["id"] for emission in emissions}) == 1
