"""The edge's answers, as they go over the wire."""

import json

import pytest
from pydantic import ValidationError

from schemas.api import BatchAnswer, EventAccepted, ItemRejected, Problem, WebhookAccepted, WrongField


def test_an_accepted_event_is_answered_with_its_ids_in_the_order_of_the_contract() -> None:
    answer = EventAccepted(event_id="e", trace_id="t", idempotency_key="k").encoded()
    assert answer == b'{"event_id":"e","trace_id":"t","idempotency_key":"k","status":"accepted"}'


def test_an_accepted_webhook_is_answered_with_its_raw_id() -> None:
    assert WebhookAccepted(raw_id="r", trace_id="t").encoded() == b'{"status":"accepted","raw_id":"r","trace_id":"t"}'


def test_a_problem_shows_only_what_it_has() -> None:
    problem = Problem(type="urn:x", title="T.", status=422, detail="D.")
    assert json.loads(problem.encoded()) == {"type": "urn:x", "title": "T.", "status": 422, "detail": "D."}


def test_a_rejected_item_carries_its_problem_whole() -> None:
    problem = Problem(
        type="urn:x", title="T.", status=422, detail="D.", errors=(WrongField(field="[0].payload", message="bad"),)
    )
    answer = BatchAnswer(accepted=0, rejected=1, results=(ItemRejected(index=0, problem=problem),))
    [result] = json.loads(answer.encoded())["results"]
    assert result["problem"]["errors"] == [{"field": "[0].payload", "message": "bad"}]


def test_an_answer_cannot_be_changed_once_made() -> None:
    answer, wrong = WebhookAccepted(raw_id="r", trace_id="t"), WrongField(field="payload", message="bad")
    with pytest.raises(AttributeError, match="immutable"):
        answer.raw_id = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        wrong.message = "good"
