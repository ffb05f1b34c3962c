"""`outbound_messages`: one row a command, with what is known of it by its newest fact.

From delivery.status. The router's decision makes a bare row first: it shows a command that no sender has taken up, and
gives this table and `communication_events` one row to meet on, whichever topic comes first.
"""

from typing import Final

from adapters.mysql.records import Records, Report
from adapters.mysql.statements import (
    Row,
    cut,
    first,
    greatest,
    latest,
    least,
    time,
    upsert,
    where,
)
from adapters.mysql.steps import Write
from schemas.chat import Authorship
from schemas.commands import Command
from schemas.deliveries import AckStatus, DeliveryFact, FactKind, OperatorDecision, Status
from schemas.events import Action
from streams import identity

_LONGEST_ERROR: Final = 2_000
_ENDED: Final = frozenset({Status.FAILED, Status.EXPIRED, Status.SUPPRESSED, Status.CANCELLED})
_FAULTS: Final = frozenset(
    {FactKind.NOT_SENT, FactKind.REFUSED, FactKind.IN_DOUBT, FactKind.EXPIRED, FactKind.SUPPRESSED}
)
_GIVEN_UP: Final = frozenset({OperatorDecision.NOT_SENT, OperatorDecision.CANCEL})
_TAKEN: Final = frozenset({FactKind.ANSWERED, FactKind.ECHOED})
_SENT: Final = frozenset({AckStatus.SENT, AckStatus.DELIVERED, AckStatus.READ, AckStatus.PLAYED})
_DELIVERED: Final = frozenset({AckStatus.DELIVERED, AckStatus.READ, AckStatus.PLAYED})
_READ: Final = frozenset({AckStatus.READ, AckStatus.PLAYED})

_DECIDED: Final = (
    "command_id",
    "event_id",
    "trace_id",
    "tenant_id",
    "channel_id",
    "status",
    "created_at",
    "updated_at",
)
_OF_COMMAND: Final = (
    "event_type",
    "correlation_id",
    "recipient",
    "contact",
    "conversation_id",
    "policy",
    "rule_id",
    "rule_version",
    "template",
    "template_version",
    "not_before",
    "expires_at",
    "author_kind",
    "author",
    "in_reply_to",
    "body",
)
_FIRST: Final = (*_OF_COMMAND, "provider_message_id", "message_key")
_LATEST: Final = ("trace_id", "tenant_id", "channel_id", "status", "retry_at", "ended_at", "facts_until")
_LEAST: Final = ("sent_at", "delivered_at", "read_at")
_GREATEST: Final = ("attempts", "updated_at")
_REPORTED: Final = (*_DECIDED, *_FIRST, *_LEAST, "attempts", "last_error", "retry_at", "ended_at", "facts_until")


def decided(records: Records) -> list[Row]:
    """A bare row for every message that the router decided to send."""
    rows = {}
    for event in (sighting.event for sighting in records.sightings):
        decision = event.decision
        if decision and decision.command_id and decision.action == Action.WHATSAPP:
            rows[decision.command_id] = {
                "command_id": decision.command_id,
                "event_id": event.event_id,
                "trace_id": event.trace_id,
                "tenant_id": decision.tenant_id,
                "channel_id": decision.channel,
                "status": Status.QUEUED,
                "created_at": time(event.received_at),
                "updated_at": time(event.received_at),
            }
    return [rows[command_id] for command_id in sorted(rows)]


def reported(records: Records) -> list[Row]:
    """One row a command, of all that its facts say: a command is told in four facts or more, most often at once."""
    rows: dict[str, Row] = {}
    for report in records.reports:
        row = _row(report)
        known = rows.get(report.fact.command_id)
        rows[report.fact.command_id] = _both(known, row) if known else row
    return [rows[command_id] for command_id in sorted(rows)]


def _both(known: Row, later: Row) -> Row:
    """What two rows of one command say, of which the second is further on in the log: as the upsert merges them."""
    row = known | {name: later[name] for name in _LATEST}
    row |= {name: later.get(name) for name in _FIRST if row.get(name) is None}
    row |= {name: min(filter(None, (known[name], later[name])), default=None) for name in _LEAST}
    row |= {name: max(known[name], later[name]) for name in _GREATEST}
    row["last_error"] = later["last_error"] or known["last_error"]
    row["created_at"] = later["created_at"] if later.get("body") is not None else known["created_at"]
    return row


def _row(report: Report) -> Row:
    fact = report.fact
    return {
        "command_id": fact.command_id,
        "event_id": fact.event_id,
        "trace_id": fact.trace_id,
        "tenant_id": fact.tenant_id,
        "channel_id": fact.channel,
        "status": fact.status,
        "attempts": fact.attempt,
        "provider_message_id": cut(fact.provider_message_id, 255),
        "message_key": identity.message_key(fact.provider_message_id),
        "last_error": _error(fact),
        "retry_at": time(fact.retry_at) if fact.status is Status.RETRYING else None,
        "sent_at": time(fact.at) if fact.fact in _TAKEN or fact.ack in _SENT else None,
        "delivered_at": time(fact.at) if fact.ack in _DELIVERED else None,
        "read_at": time(fact.at) if fact.ack in _READ else None,
        "ended_at": time(fact.at) if fact.status in _ENDED else None,
        "created_at": time(fact.command.created_at if fact.command else fact.at),
        "updated_at": time(fact.at),
        "facts_until": report.offset,
        **(_of_command(fact.command) if fact.command else {}),
    }


def _of_command(command: Command) -> Row:
    return {
        "event_type": command.event_type,
        "correlation_id": command.correlation_id,
        "recipient": command.to,
        "contact": command.contact,
        "conversation_id": conversation_of(command),
        "policy": command.policy,
        "rule_id": command.rule_id,
        "rule_version": command.rule_version,
        "template": command.template,
        "template_version": command.template_version,
        "not_before": time(command.not_before),
        "expires_at": time(command.expires_at),
        **_of_author(command.authorship),
        "body": command.text,
    }


def _of_author(authorship: Authorship | None) -> Row:
    if authorship is None:
        return {}
    return {
        "author_kind": authorship.author_kind,
        "author": authorship.author,
        "in_reply_to": authorship.in_reply_to,
    }


def conversation_of(command: Command) -> str | None:
    """The conversation that a command's message belongs to."""
    return command.conversation_id or identity.conversation_id(command.channel, command.contact)


def _error(fact: DeliveryFact) -> str | None:
    if fact.decision in _GIVEN_UP:
        said: tuple[str | None, ...] = (f"{fact.decision} by {fact.by}", fact.message)
    elif fact.fact in _FAULTS or fact.ack is AckStatus.FAILED:
        said = (fact.reason or fact.fact, fact.message)
    else:
        return None
    return cut(": ".join(part for part in said if part), _LONGEST_ERROR)


STEPS: Final = (
    Write(decided, upsert("outbound_messages", _DECIDED, where("TRUE", "created_at") | greatest("updated_at"))),
    Write(
        reported,
        upsert(
            "outbound_messages",
            _REPORTED,
            first(*_FIRST)
            | latest("last_error")
            | where("new.body IS NOT NULL", "created_at")
            | least(*_LEAST)
            | greatest(*_GREATEST)
            | where("new.facts_until >= old.facts_until", *_LATEST),
        ),
    ),
)
