"""`communication_events`: one row an event, with what was decided and how far that is carried out.

From event.accepted; of an event with a command, `status` and `processed_at` follow from `outbound_messages`, or from
`http_requests` where the command posts it to a target.
"""

from typing import Final

from adapters.mysql.records import Records, Sighting
from adapters.mysql.statements import TEXT, Row, among, cut, json, over, time, upsert, where
from adapters.mysql.steps import Write
from schemas.deliveries import Status
from schemas.events import NO_RULE, AcceptedEvent, Decision, Kind
from schemas.http_actions import HttpStatus
from streams import keys, topics
from streams.http_actions import ACTIONS

PROCESSING: Final = "processing"
PROCESSED: Final = "processed"
FAILED: Final = "failed"

_LONGEST_REASON: Final = 2_000
_ROUTED: Final = frozenset({Kind.ACCEPTED, Kind.UPDATED})
_ROUTED_PRECEDENCE: Final = 2**32  # above every revision
_STATUS: Final = {Kind.QUARANTINED: "quarantined", Kind.REJECTED: FAILED, Kind.CONFLICT: "conflict"}

_IDENTITY: Final = ("event_id", "idempotency_key")
_CONTENT: Final = (
    "event_type",
    "source_system",
    "external_id",
    "tenant_id",
    "channel_id",
    "contact",
    "conversation_id",
    "trace_id",
    "correlation_id",
    "kind",
    "status",
    "reason",
    "action",
    "rule_id",
    "rule_version",
    "template",
    "template_version",
    "command_id",
    "occurred_at",
    "received_at",
    "expires_at",
    "fingerprint",
    "revision",
    "metadata",
    "payload",
)
_ORIGIN: Final = ("processed_at", "raw_partition", "raw_offset", "raw_topic")
_PRECEDENCE: Final = ("precedence",)


_RAW: Final = ", ".join(f"'{topic}'" for topic in sorted(topics.RAW))
_NEWER_ORIGIN: Final = (
    f"new.raw_topic IN ({_RAW}) AND (new.precedence >= old.precedence OR old.raw_topic NOT IN ({_RAW}))"
)
"""What the hub itself adds to an event later, such as its file, is not where it came from."""


def rows(records: Records) -> list[Row]:
    """One row a record; a duplicate has none, a conflict one of its own beside that of the event it contradicts."""
    return [_row(sighting) for sighting in records.sightings if sighting.event.kind is not Kind.DUPLICATE]


def sighted(records: Records) -> list[Row]:
    """The events that were seen, however often."""
    return [{"event_id": event_id} for event_id in sorted({sighting.event.event_id for sighting in records.sightings})]


def with_commands(records: Records) -> list[Row]:
    """The events of which a command is new, or anything new is known of it."""
    decided = (sighting.event for sighting in records.sightings)
    pairs = {(event.event_id, event.decision.command_id) for event in decided if event.decision}
    pairs |= {(report.fact.event_id, report.fact.command_id) for report in records.reports}
    return [{"event_id": event_id, "command_id": command_id} for event_id, command_id in sorted(_with_command(pairs))]


def with_posts(records: Records) -> list[Row]:
    """The events that are posted to a target, of which that is new, or anything new is known of it."""
    decided = (sighting.event for sighting in records.sightings)
    pairs = {
        (event.event_id, event.decision.command_id)
        for event in decided
        if event.decision and event.decision.action in ACTIONS
    }
    pairs |= {(posting.fact.event_id, posting.fact.command_id) for posting in records.postings}
    return [{"event_id": event_id, "command_id": command_id} for event_id, command_id in sorted(_with_command(pairs))]


def _with_command(pairs: set[tuple[str, str | None]]) -> list[tuple[str, str]]:
    return [(event_id, command_id) for event_id, command_id in pairs if command_id]


def _row(sighting: Sighting) -> Row:
    event = sighting.event
    decision = event.decision or Decision(action=NO_RULE)
    status = _status(event, decision)
    event_id, key = event.event_id, event.idempotency_key
    if event.kind is Kind.CONFLICT:
        key = f"{key}#conflict:{event.fingerprint}"
        event_id = keys.event_id(key)
    return {
        "event_id": event_id,
        "idempotency_key": key,
        "event_type": event.event_type,
        "source_system": event.source_system,
        "external_id": event.external_id,
        "tenant_id": event.tenant_id if decision.tenant_id is None else decision.tenant_id,
        "channel_id": decision.channel or event.channel,
        "contact": event.contact,
        "conversation_id": event.conversation_id,
        "trace_id": event.trace_id,
        "correlation_id": event.correlation_id,
        "kind": event.kind,
        "status": status,
        "reason": cut(decision.reason, _LONGEST_REASON),
        "action": decision.action,
        "rule_id": decision.rule_id,
        "rule_version": decision.rule_version,
        "template": decision.template,
        "template_version": decision.template_version,
        "command_id": decision.command_id,
        "occurred_at": time(event.occurred_at),
        "received_at": time(event.received_at),
        "processed_at": time(sighting.recorded_at) if status in (PROCESSED, NO_RULE) else None,
        "expires_at": time(event.expires_at),
        "raw_topic": event.raw.topic,
        "raw_partition": event.raw.partition,
        "raw_offset": event.raw.offset,
        "fingerprint": event.fingerprint,
        "revision": event.revision,
        "precedence": event.revision + (_ROUTED_PRECEDENCE if event.kind in _ROUTED else 0),
        "metadata": json(event.metadata),
        "payload": json(event.payload),
    }


def _status(event: AcceptedEvent, decision: Decision) -> str:
    """Where an event stands by its decision alone: whatever needs no command is done once it is decided."""
    if event.kind in _STATUS:
        return _STATUS[event.kind]
    if decision.action == NO_RULE:
        return NO_RULE
    return PROCESSING if decision.command_id else PROCESSED


def _words(*statuses: Status) -> str:
    return ", ".join(f"'{status}'" for status in statuses)


_DONE: Final = _words(Status.SENT, Status.DELIVERED, Status.READ, Status.PLAYED, Status.SUPPRESSED)
_GIVEN_UP: Final = _words(Status.FAILED, Status.EXPIRED, Status.CANCELLED)

# The index is named since an optimizer that knows nothing of a new table yet reads all of it.
_EVENTS: Final = "{rows} STRAIGHT_JOIN communication_events AS event FORCE INDEX (unique_event)"
# Counted without a lock: the records of an event lie in one partition, and there nobody else adds one meanwhile.
_COUNT: Final = among(
    "event_id",
    "UPDATE communication_events AS event FORCE INDEX (unique_event) SET event.duplicates = GREATEST("
    "(SELECT COUNT(*) FROM event_sightings AS seen WHERE seen.event_id = event.event_id), 1) - 1 "
    "WHERE event.event_id IN {rows}",
)

_SETTLE: Final = over(
    {"event_id": TEXT, "command_id": TEXT},
    f"UPDATE {_EVENTS} "  # noqa: S608
    "ON event.event_id = new.event_id AND event.command_id = new.command_id "
    "STRAIGHT_JOIN outbound_messages AS outbound FORCE INDEX (unique_command) ON outbound.command_id = new.command_id "
    f"SET event.status = CASE WHEN outbound.status IN ({_DONE}) THEN '{PROCESSED}' "
    f"WHEN outbound.status IN ({_GIVEN_UP}) THEN '{FAILED}' ELSE '{PROCESSING}' END, "
    f"event.processed_at = CASE WHEN outbound.status IN ({_DONE}) THEN COALESCE(outbound.sent_at, outbound.ended_at) "
    f"WHEN outbound.status IN ({_GIVEN_UP}) THEN outbound.ended_at ELSE NULL END",
)

_ENDED_WELL: Final = f"'{HttpStatus.ANSWERED}', '{HttpStatus.DROPPED}'"
_SETTLE_POSTS: Final = over(
    {"event_id": TEXT, "command_id": TEXT},
    f"UPDATE {_EVENTS} "  # noqa: S608
    "ON event.event_id = new.event_id AND event.command_id = new.command_id "
    "STRAIGHT_JOIN http_requests AS post FORCE INDEX (PRIMARY) ON post.command_id = new.command_id "
    f"SET event.status = CASE WHEN post.status IN ({_ENDED_WELL}) THEN '{PROCESSED}' "
    f"WHEN post.status = '{HttpStatus.FAILED}' THEN '{FAILED}' ELSE '{PROCESSING}' END, "
    "event.processed_at = post.ended_at",
)

STEPS: Final = (
    Write(
        rows,
        upsert(
            "communication_events",
            (*_IDENTITY, *_ORIGIN, *_PRECEDENCE, *_CONTENT),
            where(_NEWER_ORIGIN, *_ORIGIN) | where("new.precedence >= old.precedence", *_CONTENT, *_PRECEDENCE),
        ),
    ),
    Write(sighted, _COUNT),
)
OUTCOMES: Final = (Write(with_commands, _SETTLE), Write(with_posts, _SETTLE_POSTS))
"""How far what was decided is carried out; needs the rows of all of these tables."""
