"""Verdicts: what a batch is answered, item by item."""

from collections.abc import Iterable, Sequence

from adapters.edge.problems import INVALID, ProblemError
from adapters.edge.submissions import Submission
from schemas.api import BatchAnswer, BatchRejected, ItemAccepted, ItemRejected, WrongField

Verdict = Submission | ProblemError


class AllRejectedError(ProblemError):
    """Nothing of a batch can be kept. Fields are named with their items, as `[3].payload`."""

    def __init__(self, problems: Iterable[ProblemError]) -> None:
        self._problems = tuple(problems)
        errors = (
            WrongField(field=f"[{index}].{error.field}", message=error.message)
            for index, problem in enumerate(self._problems)
            for error in problem.errors
        )
        super().__init__(INVALID, "No item of the batch can be kept.", errors=errors)

    def document(self, trace_id: str | None = None) -> BatchRejected:
        """The problem of the batch, with those of its items."""
        results = tuple(_rejected(index, problem) for index, problem in enumerate(self._problems))
        return BatchRejected(**dict(super().document(trace_id)), rejected=len(results), results=results)


def answer(verdicts: Sequence[Verdict]) -> bytes:
    """The answer to a batch of which something is kept."""
    results = tuple(_result(index, verdict) for index, verdict in enumerate(verdicts))
    rejected = sum(isinstance(result, ItemRejected) for result in results)
    return BatchAnswer(accepted=len(results) - rejected, rejected=rejected, results=results).encoded()


def _result(index: int, verdict: Verdict) -> ItemAccepted | ItemRejected:
    if isinstance(verdict, ProblemError):
        return _rejected(index, verdict)
    event_id, trace_id, key, _ = verdict
    return ItemAccepted(index=index, event_id=event_id, trace_id=trace_id, idempotency_key=key)


def _rejected(index: int, problem: ProblemError) -> ItemRejected:
    return ItemRejected(index=index, problem=problem.document())
