"""Faults hit the calls they are set for, as often as they are set for."""

from typing import Any

import pytest
from pydantic import ValidationError

from infra.simulator.faults import Fault, FaultBook, FaultKind, Route


def book(*faults: Fault) -> FaultBook:
    made = FaultBook()
    for fault in faults:
        made.add(fault)
    return made


def kinds(taken: list[Fault]) -> list[str]:
    return [fault.kind for fault in taken]


def hits(faults: FaultBook, calls: int) -> list[bool]:
    return [bool(faults.take(Route.MESSAGES, "Canal Um")) for _ in range(calls)]


def test_a_fault_is_spent_after_its_count() -> None:
    faults = book(Fault(kind=FaultKind.HTTP_500, count=2))
    assert hits(faults, 3) == [True, True, False]
    assert faults.listed() == []


def test_a_fault_without_a_count_never_ends_until_it_is_cleared() -> None:
    faults = book(Fault(kind=FaultKind.HTTP_500, count=None))
    assert all(hits(faults, 50))
    assert [fault["hits"] for fault in faults.listed()] == [50]
    assert faults.clear() == 1
    assert hits(faults, 1) == [False]


def test_faults_of_the_answer_wait_for_one_another_and_the_others_add_up() -> None:
    faults = book(
        Fault(kind=FaultKind.HTTP_500),
        Fault(kind=FaultKind.NO_ECHO),
        Fault(kind=FaultKind.HTTP_504),
        Fault(kind=FaultKind.MESSAGE_ID_NULL),
    )
    assert kinds(faults.take(Route.MESSAGES, None)) == ["http_500", "no_echo", "message_id_null"]
    assert kinds(faults.take(Route.MESSAGES, None)) == ["http_504"]


@pytest.mark.parametrize(
    ("fault", "route", "channel", "to", "is_hit"),
    [
        ({}, Route.MESSAGES, "Canal Um", "5547999990001", True),
        ({}, Route.LIST_CHANNELS, None, None, False),
        ({"route": None}, Route.LIST_CHANNELS, None, None, True),
        ({"channel": "Canal Um"}, Route.MESSAGES, "Canal Um", "1", True),
        ({"channel": "Canal Um"}, Route.MESSAGES, "canal um", "1", False),
        ({"channel": "Canal Um"}, Route.MESSAGES, None, "1", False),
        ({"to": "5547999990001"}, Route.MESSAGES, "Canal Um", "5547999990001@c.us", True),
        ({"to": "5547999990001"}, Route.MESSAGES, "Canal Um", "5547999990002", False),
        ({"to": "5547999990001"}, Route.MESSAGES, "Canal Um", None, False),
    ],
)
def test_a_fault_hits_only_what_it_names(
    fault: dict[str, Any], route: Route, channel: str | None, to: str | None, is_hit: bool
) -> None:
    faults = book(Fault(kind=FaultKind.HTTP_500, **fault))
    assert bool(faults.take(route, channel, to)) is is_hit


def test_chance_is_the_same_for_the_same_seed() -> None:
    def run(seed: int) -> list[bool]:
        return hits(book(Fault(kind=FaultKind.DROP, count=None, probability=0.3, seed=seed)), 200)

    assert run(7) == run(7)
    assert run(7) != run(8)
    assert 30 < sum(run(7)) < 90


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_kind_changes_the_answer_or_what_is_emitted(kind: FaultKind) -> None:
    Fault(kind=kind, delay_seconds=1)
    is_answer = kind.startswith(("http_", "success", "number", "empty", "not_json", "invalid", "qr_", "hang", "drop"))
    assert kind.changes_answer is is_answer


def test_what_delivers_by_itself_can_be_told_not_to() -> None:
    assert Fault(kind=FaultKind.NUMBER_NOT_FOUND).delivered
    assert not Fault(kind=FaultKind.NUMBER_NOT_FOUND, delivered=False).delivered
    assert not Fault(kind=FaultKind.HTTP_504).delivered


def test_a_broken_code_belongs_to_the_route_of_codes() -> None:
    assert Fault.model_validate({"kind": "invalid_qr"}).route is Route.QR
    assert Fault.model_validate({"kind": "qr_not_ready"}).route is Route.QR


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "volcano"},
        {"kind": "hang"},
        {"kind": "drop", "count": 0},
        {"kind": "drop", "probability": 0},
        {"kind": "drop", "probability": 1.1},
        {"kind": "drop", "delay_seconds": -1},
        {"kind": "drop", "rout": "qr"},
        {"kind": "drop", "route": "kitchen"},
        "drop",
        None,
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(fault: Any) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(fault)
