"""API: what the edge answers. What it takes is `schemas.events.EventIn`."""

from typing import Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """A body that the edge sends; what is None stays out of it."""

    model_config = ConfigDict(frozen=True)

    def encoded(self) -> bytes:
        """Its JSON."""
        return self.model_dump_json(exclude_none=True).encode()


class WrongField(Answer):
    """One field that is wrong. `field` is a path such as `payload` or `[3].event_type`."""

    field: str
    message: str


class Problem(Answer):
    """An error (RFC 9457). `type` is a URN that stays the same; `title` and `detail` are for people.

    `current` is what there is now, where somebody else has changed it meanwhile.
    """

    type: str
    title: str
    status: int
    detail: str
    trace_id: str | None = None
    limit: int | None = None
    current: dict[str, Any] | None = None
    errors: tuple[WrongField, ...] | None = None


class AcceptedAnswer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A body that the edge sends on its hot path, where a model costs ten times as much."""

    def encoded(self) -> bytes:
        """Its JSON."""
        return msgspec.json.encode(self)


class WebhookAccepted(AcceptedAnswer, frozen=True, kw_only=True, gc=False):
    """All in-sync replicas have the webhook's body under `raw_id`."""

    status: Literal["accepted"] = "accepted"
    raw_id: str
    trace_id: str


class EventAccepted(AcceptedAnswer, frozen=True, kw_only=True, gc=False):
    """All in-sync replicas have the event. The same event sent again gets the same `event_id`."""

    event_id: str
    trace_id: str
    idempotency_key: str
    status: Literal["accepted"] = "accepted"


class ItemAccepted(Answer):
    """The event at `index` of a batch (from 0) is kept."""

    index: int
    event_id: str
    trace_id: str
    idempotency_key: str
    status: Literal["accepted"] = "accepted"


class ItemRejected(Answer):
    """The item at `index` of a batch (from 0) is not kept; `problem` says why."""

    index: int
    status: Literal["rejected"] = "rejected"
    problem: Problem


class BatchAnswer(Answer):
    """What became of each item of a batch, in its order."""

    accepted: int
    rejected: int
    results: tuple[ItemAccepted | ItemRejected, ...]


class BatchRejected(Problem):
    """No item of a batch could be kept."""

    accepted: int = 0
    rejected: int
    results: tuple[ItemRejected, ...]


class Health(Answer):
    """`/healthz` and `/readyz` where a request is kept; `detail` says what is not as it should be all the same."""

    status: Literal["ok", "ready"]
    detail: str | None = None
