"""An answer that came after its owner had lost the partition: how it travels to the present one, as evidence. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from schemas.commands import Command
from schemas.deliveries import Evidence, EvidenceKind, FactKind
from schemas.events import Coordinates
from streams.deliveries import Delivery
from streams.sending.inputs import Answer, NotSent, Refused, Sent, Unclear, Withdrawn

_SENT: Final = "sent"
_NOT_SENT: Final = "not_sent"
_REFUSED: Final = "refused"
_UNCLEAR: Final = "unclear"
_WITHDRAWN: Final = "withdrawn"
_BEGAN: Final = "began"


def evidence_of(command: Command, answer: Answer, at: datetime, *, began: datetime) -> Evidence:
    """The answer to an attempt of a command as a record for `delivery.evidence`; its key is the command's channel.

    An attempt whose request never left was not sent: whether it still may be is for the present owner to see. `began`
    is the time of its `attempt_started`: a former owner that could not write that fact any more does not know whether
    it is in the log, and an attempt of the same number may be the present owner's own.
    """
    return Evidence(
        kind=EvidenceKind.LATE_ANSWER,
        event_id=command.event_id,
        trace_id=command.trace_id,
        at=at,
        received_at=at,
        channel=command.channel,
        command_id=command.command_id,
        attempt=answer.attempt,
        detail={
            name: value for name, value in {**_detail(answer), _BEGAN: began.isoformat()}.items() if value is not None
        },
    )


def is_about(evidence: Evidence, delivery: Delivery) -> bool:
    """Whether the attempt that such a record tells of is one that is in the log."""
    began = _text(evidence.detail, _BEGAN)
    return any(
        mark.fact is FactKind.ATTEMPT_STARTED and mark.attempt == evidence.attempt and mark.at.isoformat() == began
        for mark in delivery.marks
    )


def answer_in(evidence: Evidence, where: Coordinates | None = None) -> Answer:
    """The answer that the record at this place tells of; ValueError where it tells of none, or not of which attempt."""
    if evidence.command_id is None or evidence.attempt is None or evidence.attempt < 1:
        raise ValueError("a late answer must name its command and its attempt")
    detail = evidence.detail
    make = _MAKERS.get(_text(detail, "answer") or "")
    if make is None:
        raise ValueError(f"a late answer must be one of {', '.join(_MAKERS)}")
    answer = make(evidence.attempt, detail)
    return replace(answer, evidence=where) if isinstance(answer, Sent | NotSent | Refused | Unclear) else answer


def _detail(answer: Answer) -> dict[str, Any]:
    match answer:
        case Sent():
            return {"answer": _SENT, "provider_message_id": answer.provider_message_id}
        case Refused() | Unclear():
            name = _REFUSED if isinstance(answer, Refused) else _UNCLEAR
            return {"answer": name, **_said(answer), "http_status": answer.http_status}
        case NotSent():
            told = {"http_status": answer.http_status, "retry_after": answer.retry_after}
            return {"answer": _NOT_SENT, **_said(answer), **told}
        case Withdrawn():
            return {"answer": _WITHDRAWN}
        case _:
            return {"answer": _NOT_SENT, **_said(answer)}


def _said(answer: Answer) -> dict[str, Any]:
    reason = getattr(answer, "reason", None) or type(answer).__name__.lower()
    return {"reason": reason, "message": getattr(answer, "message", None)}


def _sent(attempt: int, detail: Mapping[str, Any]) -> Answer:
    return Sent(attempt, _text(detail, "provider_message_id"))


def _not_sent(attempt: int, detail: Mapping[str, Any]) -> Answer:
    return NotSent(attempt, *_told(detail, _NOT_SENT), _number(detail, "retry_after"))


def _refused(attempt: int, detail: Mapping[str, Any]) -> Answer:
    return Refused(attempt, *_told(detail, _REFUSED))


def _unclear(attempt: int, detail: Mapping[str, Any]) -> Answer:
    return Unclear(attempt, *_told(detail, _UNCLEAR))


def _withdrawn(attempt: int, detail: Mapping[str, Any]) -> Answer:
    return Withdrawn(attempt)


_MAKERS: Final[Mapping[str, Callable[[int, Mapping[str, Any]], Answer]]] = {
    _SENT: _sent,
    _NOT_SENT: _not_sent,
    _REFUSED: _refused,
    _UNCLEAR: _unclear,
    _WITHDRAWN: _withdrawn,
}


def _told(detail: Mapping[str, Any], otherwise: str) -> tuple[str, str | None, int | None]:
    status = _number(detail, "http_status")
    return _text(detail, "reason") or otherwise, _text(detail, "message"), None if status is None else int(status)


def _text(detail: Mapping[str, Any], name: str) -> str | None:
    value = detail.get(name)
    return value if isinstance(value, str) and value else None


def _number(detail: Mapping[str, Any], name: str) -> float | None:
    value = detail.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
