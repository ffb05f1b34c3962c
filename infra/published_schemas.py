"""What crosses the hub's boundaries as JSON Schema 2020-12, made of the very types that validate or encode it."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from infra.errors import OperatorError
from schemas.alarms import Alarm
from schemas.api import BatchAnswer, EventAccepted, Problem
from schemas.audit import AuditChange
from schemas.commands import Command
from schemas.contacts import ContactLink
from schemas.conversations import ConversationChange
from schemas.deliveries import DeliveryFact
from schemas.events import AcceptedEvent
from schemas.http_actions import HttpFact, Post, TargetAnswer
from streams import topics
from streams.normalization.event_schema import event_schema

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class UnknownSchemaError(OperatorError):
    """Nothing of that name crosses a boundary."""

    exit_code = 2


class Published(NamedTuple):
    """A shape that programs of others may rely on; `where` it is found: a topic or a route."""

    where: str
    make: Callable[[], dict[str, Any]]


_OF_STRUCT: Final = msgspec.json.schema

PUBLISHED: Final = {
    "event": Published(f"POST /api/events, {topics.RAW_EVENT}", event_schema),
    "event-answer": Published("202 of POST /api/events", partial(_OF_STRUCT, EventAccepted)),
    "batch-answer": Published("202 of POST /api/events with many", partial(BatchAnswer.model_json_schema)),
    "problem": Published("every error over HTTP", partial(Problem.model_json_schema)),
    "accepted-event": Published(topics.EVENT_ACCEPTED, partial(_OF_STRUCT, AcceptedEvent)),
    "command": Published(topics.COMMAND_OUTBOUND, partial(_OF_STRUCT, Command)),
    "delivery": Published(topics.DELIVERY_STATUS, partial(_OF_STRUCT, DeliveryFact)),
    "target-post": Published("the body of a request to a target", partial(_OF_STRUCT, Post)),
    "target-answer": Published("what a target may answer", partial(_OF_STRUCT, TargetAnswer)),
    "post": Published(topics.HTTP_STATUS, partial(_OF_STRUCT, HttpFact)),
    "contact-link": Published(topics.CONTACT_LINK, partial(_OF_STRUCT, ContactLink)),
    "conversation-change": Published(topics.CONVERSATION_CHANGE, partial(_OF_STRUCT, ConversationChange)),
    "audit-change": Published(topics.AUDIT_CHANGE, partial(_OF_STRUCT, AuditChange)),
    "alarm": Published(topics.OPS_ALARM, partial(_OF_STRUCT, Alarm)),
}
"""By name, what is taken first and then what is given."""


def document(name: str) -> dict[str, Any]:
    """The schema of this name, whole; UnknownSchemaError where there is none."""
    if name not in PUBLISHED:
        raise UnknownSchemaError(f"There is no schema {name!r}: there are {', '.join(PUBLISHED)}.")
    return {"$schema": DIALECT, "$id": f"urn:posto:schema:{name}", **PUBLISHED[name].make()}
