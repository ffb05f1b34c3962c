"""The oracle finds what is wrong: a good history has nothing to say about, each bad one says what it is bad for."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.chaos.history import Entry, History, Input, Typed
from tests.chaos.oracle import judge
from tests.chaos.oracle.sending import is_step_back

COMMAND = "c-1"
GOOD = (("accepted", 0, "queued"), ("attempt_started", 1, "attempting"), ("answered", 1, "sent"), ("acked", 0, "read"))
DOUBTED = (*GOOD[:2], ("in_doubt", 1, "uncertain"))


def _facts(*said: tuple[str, int, str], command_id: str = COMMAND, start: int = 0) -> list[Entry]:
    return [
        Entry(
            "delivery.status",
            0,
            start + n,
            {"command_id": command_id, "fact": fact, "attempt": attempt, "status": status},
        )
        for n, (fact, attempt, status) in enumerate(said)
    ]


def _event(offset: int, kind: str = "accepted", text: str = "oi", number: int = 1, **more: Any) -> Entry:
    decision = {"decision": {"action": "whatsapp", "command_id": f"c-{number}"}} if kind == "accepted" else {}
    value = {
        "idempotency_key": f"chaos|x-{number}|chaos.once",
        "source_system": "chaos",
        "external_id": f"x-{number}",
        "kind": kind,
        "raw": {"topic": "raw.event", "partition": 0, "offset": offset},
        "payload": {"text": text},
    }
    return Entry("event.accepted", 0, offset, value | decision | more)


def _command(number: int = 1, policy: str = "at_most_once", offset: int = 0, text: str = "oi") -> Entry:
    value = {"command_id": f"c-{number}", "policy": policy, "channel": "a", "contact": "1", "to": "1", "text": text}
    return Entry("command.outbound", 0, offset, value)


def _message(attempt: int = 1, number: int = 1, text: str = "oi") -> dict[str, Any]:
    metadata = {"command_id": f"c-{number}"}
    request_id = f"c-{number}:{attempt}"
    where = {"id": f"true_1@c.us_M{number}{attempt}", "channel": "A", "chat": "1@c.us", "to": "1"}
    return {"metadata": metadata, "request_id": request_id, "text": text, **where}


def _input(number: int = 1, **more: Any) -> Input:
    return Input(f"x-{number}", "A", "1", "oi", "at_most_once", **{"is_kept": True, **more})


def _bound(*named: tuple[int, str]) -> list[Entry]:
    """Facts of commands by number, each with the message that its answer names."""
    return [
        Entry(
            "delivery.status",
            0,
            100 * number + n,
            {"command_id": f"c-{number}", "fact": fact, "attempt": attempt, "status": status}
            | ({"provider_message_id": message} if fact == "answered" else {}),
        )
        for number, message in named
        for n, (fact, attempt, status) in enumerate(GOOD)
    ]


def _raw(offset: int) -> Entry:
    return Entry("raw.event", 0, offset, "{}")


def _history(**changes: Any) -> History:
    """One message that was asked for, sent, and read; `changes` say what is otherwise."""
    parts: dict[str, Any] = {
        "inputs": [_input()],
        "typed": [],
        "raw": [_raw(0)],
        "accepted": [_event(0)],
        "commands": [_command()],
        "facts": _facts(*GOOD),
        "delivered": [_message()],
    }
    parts |= changes
    last = {entry.value["command_id"]: entry.value["status"] for entry in parts["facts"]}
    return History(**{"rows": {command_id: {"status": status} for command_id, status in last.items()}, **parts})


def _two(**changes: Any) -> History:
    """Two messages to one contact, both sent."""
    return _history(
        **{
            "inputs": [_input(1, is_ordered=True), _input(2, is_ordered=True)],
            "raw": [_raw(0), _raw(1)],
            "accepted": [_event(0), _event(1, number=2)],
            "commands": [_command(1), _command(2, offset=1)],
            "facts": [*_facts(*GOOD), *_facts(*GOOD, command_id="c-2", start=10)],
            "delivered": [_message(), _message(number=2)],
        }
        | changes
    )


@pytest.mark.parametrize(
    "history",
    [
        _history(),
        _two(),
        _history(inputs=[_input(is_kept=False)], raw=[], accepted=[], commands=[], facts=[], delivered=[]),
        _history(raw=[_raw(0), _raw(1)], accepted=[_event(0), _event(1, "duplicate")]),
        _history(raw=[_raw(0), _raw(1)], accepted=[_event(0), _event(1, "conflict", "tchau")]),
        _history(accepted=[_event(0), _event(0)], commands=[_command(), _command(offset=1)]),
        _two(facts=_bound((1, "true_1@c.us_M11"), (2, "M21"))),
        _history(facts=_facts(*DOUBTED)),
        _history(facts=_facts(*DOUBTED), delivered=[]),
        _history(
            commands=[_command(policy="at_least_once")],
            facts=_facts(*DOUBTED, ("attempt_started", 2, "attempting"), ("answered", 2, "sent")),
            delivered=[_message(1), _message(2)],
        ),
        _history(facts=_facts(*GOOD[:2], ("refused", 1, "failed")), delivered=[]),
        _two(
            facts=[*_facts(*DOUBTED), *_facts(*GOOD, command_id="c-2", start=10)],
            delivered=[_message(number=2), _message()],
        ),
    ],
)
def test_a_good_history_has_nothing_to_say_about(history: History) -> None:
    assert [str(violation) for violation in judge(history)] == []


BAD: Mapping[str, tuple[str, Callable[[], History]]] = {
    "an input that was kept is gone": (
        "lost",
        lambda: _history(raw=[], accepted=[], commands=[], facts=[], delivered=[]),
    ),
    "a raw record became nothing": ("lost", lambda: _history(raw=[_raw(0), _raw(1)])),
    "an input was accepted twice": ("lost", lambda: _history(raw=[_raw(0), _raw(1)], accepted=[_event(0), _event(1)])),
    "an accepted input has no command": ("lost", lambda: _history(commands=[], facts=[], delivered=[])),
    "a message of a contact is gone": (
        "lost",
        lambda: _history(typed=[Typed("A", "3EB0", "oi", from_me=False, is_kept=True)]),
    ),
    "a command is said to be sent and was not": ("lost", lambda: _history(delivered=[])),
    "a command is said to have failed and was sent": (
        "lost",
        lambda: _history(facts=_facts(*GOOD[:2], ("not_sent", 1, "failed"))),
    ),
    "at most once was sent twice, though in doubt": (
        "sent twice",
        lambda: _history(
            facts=_facts(*DOUBTED, ("attempt_started", 2, "attempting"), ("answered", 2, "sent")),
            delivered=[_message(1), _message(2)],
        ),
    ),
    "at least once was sent twice without a doubt": (
        "sent twice",
        lambda: _history(
            commands=[_command(policy="at_least_once")],
            facts=_facts(*GOOD[:2], ("not_sent", 1, "retrying"), ("attempt_started", 2, "attempting"), *GOOD[2:]),
            delivered=[_message(1), _message(2)],
        ),
    ),
    "at least once was sent three times": (
        "sent twice",
        lambda: _history(
            commands=[_command(policy="at_least_once")],
            facts=_facts(*DOUBTED, ("attempt_started", 2, "attempting"), ("attempt_started", 3, "attempting")),
            delivered=[_message(1), _message(2), _message(3)],
        ),
    ),
    "one attempt sent twice": (
        "sent twice",
        lambda: _history(
            commands=[_command(policy="at_least_once")], facts=_facts(*DOUBTED), delivered=[_message(), _message()]
        ),
    ),
    "a message was sent that nobody commanded": (
        "sent twice",
        lambda: _history(delivered=[_message(), _message(number=9)]),
    ),
    "an attempt is not on record": (
        "unrecorded",
        lambda: _history(facts=_facts(GOOD[0], ("answered", 1, "sent"))),
    ),
    "a repetition is called a conflict": (
        "unrecorded",
        lambda: _history(raw=[_raw(0), _raw(1)], accepted=[_event(0), _event(1, "conflict")]),
    ),
    "one record was decided twice": (
        "unrecorded",
        lambda: _history(accepted=[_event(0), _event(0, decision={"action": "none", "command_id": COMMAND})]),
    ),
    "a command was said in other words": (
        "unrecorded",
        lambda: _history(commands=[_command(), _command(offset=1, text="tchau")]),
    ),
    "an echo was consumed by two commands": ("evidence", lambda: _two(facts=_bound((1, "M11"), (2, "M11")))),
    "a message typed on the phone was taken for a command's": ("evidence", lambda: _history(facts=_bound((1, "M99")))),
    "another message's echo was taken": (
        "evidence",
        lambda: _history(facts=_bound((1, "M11")), delivered=[_message(text="tchau")]),
    ),
    "another text was sent": ("wrong text", lambda: _history(delivered=[_message(text="tchau")])),
    "a good record is a dead letter": (
        "dead",
        lambda: _history(dead=[Entry("dead.letter", 0, 0, {"origin": "raw.event/0@0", "error_class": "KeyError"})]),
    ),
    "a state went back": (
        "went back",
        lambda: _history(facts=_facts(*GOOD, ("in_doubt", 1, "uncertain"), ("acked", 0, "read"))),
    ),
    "two messages to one contact changed places": (
        "order",
        lambda: _two(delivered=[_message(number=2), _message()]),
    ),
    "two events of one producer changed places": (
        "order",
        lambda: _two(commands=[_command(1, offset=1), _command(2)], delivered=[_message(number=2), _message()]),
    ),
    "something waits for ever": ("no rest", lambda: _history(unsettled=["c-1 is still queued"])),
    "a partition stands still": ("no rest", lambda: _history(lag={"raw.event/0": 3})),
    "a rebuild gives other tables": ("tables", lambda: _history(differences=["messages, only in MySQL: id=1"])),
    "MySQL shows another state": ("tables", lambda: _history(rows={COMMAND: {"status": "sent"}})),
    "MySQL does not show a command": ("tables", lambda: _history(rows={})),
}


def test_what_still_waits_is_not_lost_yet() -> None:
    history = _history(raw=[_raw(0), _raw(1)], lag={"raw.event/0": 1})
    assert {violation.kind for violation in judge(history)} == {"no rest"}


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_history_is_told(name: str) -> None:
    kind, history = BAD[name]
    assert kind in {violation.kind for violation in judge(history())}, name


BACK = "sent uncertain, read delivered, delivered sent, failed queued, expired uncertain, read failed"
ON = "queued attempting, attempting retrying, uncertain attempting, sent failed, failed delivered, sent read"


@pytest.mark.parametrize("step", BACK.split(", "))
def test_a_step_back(step: str) -> None:
    assert is_step_back(*step.split())


@pytest.mark.parametrize("step", ON.split(", "))
def test_a_step_on(step: str) -> None:
    assert not is_step_back(*step.split())
