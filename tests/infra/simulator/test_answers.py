"""Each fault looks on the wire as it was observed."""

import pytest

from infra.simulator.answers import fault_answer
from infra.simulator.connections import DroppedConnection
from infra.simulator.faults import Fault, FaultKind

ANSWERS = [kind for kind in FaultKind if kind.changes_answer]


@pytest.mark.parametrize("kind", [kind for kind in ANSWERS if kind.startswith("http_")])
def test_a_status_fault_answers_with_its_status(kind: FaultKind) -> None:
    assert fault_answer(Fault(kind=kind)).status_code == int(kind.split("_")[1])


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_fault_of_the_answer_has_one(kind: FaultKind) -> None:
    assert fault_answer(Fault(kind=kind, delay_seconds=1)) is not None


@pytest.mark.parametrize("kind", [FaultKind.HTTP_502, FaultKind.HTTP_503, FaultKind.HTTP_504])
def test_a_proxys_answer_is_a_page(kind: FaultKind) -> None:
    answer = fault_answer(Fault(kind=kind))
    assert answer.media_type == "text/html"
    assert bytes(answer.body).startswith(b"<html>")


def test_a_proxy_asks_for_its_own_login() -> None:
    assert fault_answer(Fault(kind=FaultKind.HTTP_401_BASIC)).headers["www-authenticate"].startswith("Basic")
    assert "www-authenticate" not in fault_answer(Fault(kind=FaultKind.HTTP_401)).headers


def test_retry_after_is_sent_as_given() -> None:
    date = "Fri, 31 Dec 2100 23:59:59 GMT"
    assert fault_answer(Fault(kind=FaultKind.HTTP_429, retry_after=7)).headers["retry-after"] == "7"
    assert fault_answer(Fault(kind=FaultKind.HTTP_429, retry_after=date)).headers["retry-after"] == date


def test_successes_that_are_none_have_status_200() -> None:
    bodies = {
        kind: bytes(fault_answer(Fault(kind=kind)).body)
        for kind in (FaultKind.EMPTY_BODY, FaultKind.NOT_JSON, FaultKind.SUCCESS_FALSE)
    }
    assert (bodies[FaultKind.EMPTY_BODY], bodies[FaultKind.NOT_JSON]) == (b"", b"OK")
    assert b'"success":false' in bodies[FaultKind.SUCCESS_FALSE]


def test_a_drop_closes_the_connection() -> None:
    assert isinstance(fault_answer(Fault(kind=FaultKind.DROP)), DroppedConnection)


def test_a_fault_of_the_emissions_has_no_answer() -> None:
    with pytest.raises(ValueError, match="no_echo"):
        fault_answer(Fault(kind=FaultKind.NO_ECHO))
