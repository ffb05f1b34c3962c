"""The ingest routes in the description: they are no part of the Admin API, but of the document."""

from typing import Any, Final

import msgspec

from adapters.edge import events, webhook
from schemas.api import BatchAnswer, EventAccepted, WebhookAccepted
from streams.normalization.event_schema import event_schema

REFUSALS: Final = {
    400: "The body cannot be read.",
    401: "A secret is needed.",
    403: "The secret is wrong.",
    408: "The body did not arrive in time.",
    413: "The body is too large; `limit` says what is taken.",
    415: "The body's type is not supported.",
    422: "The body is not what the contract says; `errors` names the fields.",
    503: "Nothing can be kept just now; Retry-After says when to come back.",
}
"""Each a problem document."""

SECURITY: Final = {
    "eventToken": {"type": "http", "scheme": "bearer", "description": "EVENT_INGESTION_SECRET."},
    "eventSecret": {"type": "apiKey", "in": "header", "name": "X-Event-Secret"},
    "webhookSecret": {"type": "apiKey", "in": "header", "name": "X-Webhook-Secret"},
    "gatewaySecret": {"type": "apiKey", "in": "header", "name": "X-Gateway-Secret"},
}

_REF: Final = "#/components/schemas/{}"


def schemas() -> dict[str, Any]:
    """The shapes that the ingest routes take and give."""
    template = _REF.format("{name}")
    _, answers = msgspec.json.schema_components([EventAccepted, WebhookAccepted], ref_template=template)
    batch = BatchAnswer.model_json_schema(ref_template=_REF.format("{model}"))
    return {**_event(), **answers, **batch.pop("$defs"), "BatchAnswer": batch}


def _event() -> dict[str, Any]:
    """The schema of an event, and beside it those of its parts, which it has inside where it stands alone."""
    said = msgspec.json.encode(event_schema()).replace(b'"#/$defs/', b'"#/components/schemas/EventIn_')
    event = msgspec.json.decode(said)
    parts = {f"EventIn_{name}": part for name, part in event.pop("$defs", {}).items()}
    return {"EventIn": event, **parts}


def paths() -> dict[str, Any]:
    """The ingest routes."""
    event = {"$ref": _REF.format("EventIn")}
    taken = {
        "application/json": {"schema": {"anyOf": [event, {"type": "array", "items": event, "minItems": 1}]}},
        "application/x-ndjson": {"schema": {"type": "string"}},
    }
    return {
        events.PATH: {
            "post": {
                "tags": ["ingest"],
                "summary": "Send events",
                "description": "One event, or many: as a JSON array, or as NDJSON. Sent again, it is the same one.",
                "operationId": "send_events",
                "security": [{"eventToken": []}, {"eventSecret": []}],
                "parameters": [_KEY],
                "requestBody": {"required": True, "content": taken},
                "responses": {"202": _kept("The event is kept; of many, which are.", "EventAccepted", "BatchAnswer")},
            }
        },
        webhook.PATH: {
            "post": {
                "tags": ["ingest"],
                "summary": "Take a webhook of the gateway",
                "description": "Whatever it says: the body is kept byte for byte.",
                "operationId": "take_webhook",
                "security": [{"webhookSecret": []}, {"gatewaySecret": []}],
                "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
                "responses": {"202": _kept("The body is kept.", "WebhookAccepted")},
            }
        },
    }


def _kept(meaning: str, *names: str) -> dict[str, Any]:
    shapes = [{"$ref": _REF.format(name)} for name in names]
    return {"description": meaning, "content": {"application/json": {"schema": {"anyOf": shapes}}}}


_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The key of one event, where its body has none.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
