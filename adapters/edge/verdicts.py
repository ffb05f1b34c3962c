"""Verdicts: what a batch is answered, item by item."""

from collections.abc import Sequence

from starlette.responses import Response

from adapters.edge.problems import INVALID, MEDIA_TYPE, ProblemError, urn
from adapters.edge.submissions import Submission
from schemas.api import BatchAnswer, BatchRejected, ItemAccepted, ItemRejected, WrongField


def answer(verdicts: Sequence[Submission | ProblemError]) -> BatchAnswer:
    """The answer to a batch of which something is kept."""
    results = tuple(_result(index, verdict) for index, verdict in enumerate(verdicts))
    rejected = sum(isinstance(result, ItemRejected) for result in results)
    return BatchAnswer(accepted=len(results) - rejected, rejected=rejected, results=results)


def _result(index: int, verdict: Submission | ProblemError) -> ItemAccepted | ItemRejected:
    if isinstance(verdict, ProblemError):
        return _rejected(index, verdict)
    event_id, trace_id, key, _ = verdict
    return ItemAccepted(index=index, event_id=event_id, trace_id=trace_id, idempotency_key=key)


def _rejected(index: int, problem: ProblemError) -> ItemRejected:
    errors = tuple(WrongField(field=f"[{index}].{error.field}", message=error.message) for error in problem.errors)
    document = problem.document().model_copy(update={"errors": errors or None})
    return ItemRejected(index=index, problem=document)


def refusal(verdicts: Sequence[Submission | ProblemError]) -> Response:
    """The answer to a batch of which nothing can be kept."""
    results = tuple(
        _rejected(index, verdict) for index, verdict in enumerate(verdicts) if isinstance(verdict, ProblemError)
    )
    document = BatchRejected(
        type=urn(INVALID),
        title=INVALID.title,
        status=INVALID.status,
        detail="No item of the batch could be kept.",
        errors=tuple(error for result in results for error in result.problem.errors or ()) or None,
        rejected=len(results),
        results=results,
    )
    return Response(document.encoded(), document.status, media_type=MEDIA_TYPE)
