"""A log as Kafka would hold it, for the tests of projections: records of its topics, and the tables they make."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import msgspec

from adapters.mysql.pool import Database, Row
from schemas import event_types as types
from schemas import headers as names
from schemas.audit import AuditAction, AuditChange
from schemas.commands import Command
from schemas.contacts import ContactLink, LinkChange, LinkEvidence
from schemas.conversations import ConversationChange, ConversationChangeKind
from schemas.deliveries import DeliveryFact, FactKind, Status
from schemas.events import AcceptedEvent, Action, Coordinates, Decision, Kind
from schemas.http_actions import HttpFact, HttpStatus
from streams import identity, keys, revisions, topics

START: Final = datetime(2026, 1, 15, 15, 0, tzinfo=UTC)
CHANNEL: Final = "canalum"
PHONE: Final = "5547999990001"

PROJECTED: Final = (
    "communication_events",
    "event_sightings",
    "outbound_messages",
    "delivery_attempts",
    "delivery_facts",
    "http_requests",
    "conversations",
    "messages",
    "contacts",
    "contact_links",
    "channel_health",
    "audit_log",
    "dead_letters",
    "dead_letter_history",
    "projection_offsets",
)


@dataclass(frozen=True)
class LogRecord:
    """One record, as the runtime hands it over."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


def at(seconds: float) -> datetime:
    """A moment of the test's time."""
    return START + timedelta(seconds=seconds)


def invoice(number: int | str = 1, **fields: Any) -> AcceptedEvent:
    """An overdue invoice that a rule turned into a message."""
    key = keys.for_event("erp", "billing.invoice.overdue", external_id=str(number))
    event_id = keys.event_id(key)
    return AcceptedEvent(
        **{
            "event_id": event_id,
            "idempotency_key": key,
            "event_type": "billing.invoice.overdue",
            "source_system": "erp",
            "stream_key": key,
            "fingerprint": "f" * 32,
            "trace_id": f"trace-{number}",
            "external_id": str(number),
            "tenant_id": 1,
            "contact": identity.match_key(PHONE),
            "occurred_at": at(0),
            "received_at": at(1),
            "raw": Coordinates(topics.RAW_EVENT, 0, 0),
            "payload": {"to": PHONE, "name": "Contato A"},
            "kind": Kind.ACCEPTED,
            "decision": Decision(
                action=Action.WHATSAPP,
                rule_id="overdue",
                rule_version=3,
                tenant_id=1,
                channel=CHANNEL,
                command_id=keys.command_id(event_id, Action.WHATSAPP),
            ),
            **fields,
        }
    )


def message(
    hexa: str = "3EB0AA01", text: str = "oi", *, own: bool = False, chat: str = f"{PHONE}@c.us", **fields: Any
) -> AcceptedEvent:
    """A message that came in, or with `own` one that the channel sent, as the normalizer describes it."""
    empty_shell = fields.pop("empty_shell", False)
    payload = {
        "message_id": f"{'true' if own else 'false'}_{chat}_{hexa}",
        "message_key": hexa,
        "chat": chat,
        "type": "text",
        "text": text,
        "sender_name": "Contato A",
        **({"shell": True} if empty_shell else {}),
        **fields.pop("payload", {}),
    }
    key = keys.for_gateway(CHANNEL, keys.MESSAGE, hexa)
    contact = identity.match_key(chat)
    return gateway_event(
        types.OUTBOUND_MESSAGE if own else types.INBOUND_MESSAGE,
        key,
        payload,
        **{
            "contact": contact,
            "revision": revisions.SHELL if empty_shell else revisions.COMPLETE,
            "conversation_id": identity.conversation_id(CHANNEL, contact),
            "decision": Decision(
                action=Action.NONE if own else Action.CHAT, rule_id="chat", rule_version=1, tenant_id=1, channel=CHANNEL
            ),
            **fields,
        },
    )


def ack(hexa: str, status: str, **fields: Any) -> AcceptedEvent:
    """What became of an own message."""
    key = keys.for_gateway(CHANNEL, keys.ACK, hexa, status)
    return gateway_event(types.DELIVERY_ACK, key, {"message_id": hexa, "message_key": hexa, "status": status}, **fields)


def connection(state: str, seconds: float, **fields: Any) -> AcceptedEvent:
    """A change of the channel itself."""
    key = keys.for_gateway(CHANNEL, keys.CONNECTION, state, str(seconds))
    return gateway_event(types.CONNECTION_UPDATE, key, {"state": state}, occurred_at=at(seconds), **fields)


def gateway_event(event_type: str, key: str, payload: dict[str, Any], **fields: Any) -> AcceptedEvent:
    """Any event from the gateway."""
    return AcceptedEvent(
        **{
            "event_id": keys.event_id(key),
            "idempotency_key": key,
            "event_type": event_type,
            "source_system": keys.GATEWAY,
            "stream_key": CHANNEL,
            "fingerprint": "a" * 32,
            "trace_id": "trace-gateway",
            "channel": CHANNEL,
            "occurred_at": at(10),
            "received_at": at(11),
            "raw": Coordinates(topics.RAW_WEBHOOK, 0, 0),
            "payload": payload,
            "kind": Kind.ACCEPTED,
            "decision": Decision(action=Action.NONE, rule_id="gateway", rule_version=1, tenant_id=1, channel=CHANNEL),
            **fields,
        }
    )


def link(
    lid: str,
    phone: str = f"{PHONE}@c.us",
    evidence: LinkEvidence = LinkEvidence.GATEWAY,
    seconds: float = 20,
    **fields: Any,
) -> ContactLink:
    """What somebody says about a lid and a phone; an operator's word is Ana's."""
    person = {"by": "Ana", "reason": "asked"} if evidence is LinkEvidence.OPERATOR else {"channel": CHANNEL}
    return ContactLink(
        **{
            "lid": lid,
            "phone": phone,
            "tenant_id": 1,
            "evidence": evidence,
            "what": LinkChange.LINKED,
            "at": at(seconds),
            "trace_id": "trace-link",
            **person,
            **fields,
        }
    )


def change(
    what: ConversationChangeKind,
    seconds: float = 20,
    *,
    conversation_id: str = f"{CHANNEL}:554799990001",
    **fields: Any,
) -> ConversationChange:
    """What Ana says of a conversation."""
    return ConversationChange(
        **{
            "change_id": f"change-{seconds}",
            "conversation_id": conversation_id,
            "tenant_id": 1,
            "what": what,
            "at": at(seconds),
            "by": "Ana",
            "trace_id": "trace-change",
            **fields,
        }
    )


def command_of(event: AcceptedEvent, text: str = "Olá, sua fatura venceu.", to: str = PHONE) -> Command:
    """The command that the event's decision made."""
    contact = identity.match_key(to)
    return Command(
        command_id=keys.command_id(event.event_id, Action.WHATSAPP),
        event_id=event.event_id,
        event_type=event.event_type,
        trace_id=event.trace_id,
        action=Action.WHATSAPP,
        tenant_id=1,
        channel=CHANNEL,
        to=to,
        contact=contact,
        text=text,
        created_at=event.received_at,
        conversation_id=identity.conversation_id(CHANNEL, contact),
        rule_id="overdue",
        rule_version=3,
    )


def posting(number: int, status: HttpStatus, attempt: int = 1, **fields: Any) -> HttpFact:
    """What became of a command that posts a message to a target."""
    about = asked(number)
    return HttpFact(
        **{
            "command_id": keys.command_id(about.event_id, Action.AI),
            "event_id": about.event_id,
            "trace_id": about.trace_id,
            "action": Action.AI,
            "target": "responder",
            "status": status,
            "at": at(number + attempt),
            "created_at": about.received_at,
            "attempt": attempt,
            **fields,
        }
    )


def asked(number: int) -> AcceptedEvent:
    """A message that is to be answered by a target."""
    event_id = keys.event_id(f"asked {number}")
    command_id = keys.command_id(event_id, Action.AI)
    decision = Decision(action=Action.AI, tenant_id=1, channel=CHANNEL, rule_id="answer", command_id=command_id)
    return invoice(f"asked-{number}", event_id=event_id, idempotency_key=f"asked {number}", decision=decision)


def fact(about: Command, kind: FactKind, status: Status, seconds: float, **fields: Any) -> DeliveryFact:
    """One fact about a command."""
    return DeliveryFact(
        command_id=about.command_id,
        event_id=about.event_id,
        trace_id=about.trace_id,
        tenant_id=about.tenant_id,
        channel=about.channel,
        fact=kind,
        at=at(seconds),
        status=status,
        **fields,
    )


@dataclass
class Log:
    """Appends to partitions as a broker does."""

    _ends: defaultdict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))

    def accepted(self, event: AcceptedEvent, partition: int = 0, *, seconds: float = 2) -> LogRecord:
        return self.append(topics.EVENT_ACCEPTED, msgspec.json.encode(event), partition, seconds=seconds)

    def reported(self, said: DeliveryFact, partition: int = 0) -> LogRecord:
        """A fact on record, fifty milliseconds after its own time."""
        record = self.append(topics.DELIVERY_STATUS, msgspec.json.encode(said), partition)
        return replace(record, timestamp=int(said.at.timestamp() * 1000) + 50)

    def posted(self, said: HttpFact, partition: int = 0) -> LogRecord:
        return self.append(topics.HTTP_STATUS, msgspec.json.encode(said), partition)

    def linked(self, said: ContactLink, partition: int = 0) -> LogRecord:
        return self.append(topics.CONTACT_LINK, msgspec.json.encode(said), partition)

    def changed(self, said: ConversationChange, partition: int = 0) -> LogRecord:
        return self.append(topics.CONVERSATION_CHANGE, msgspec.json.encode(said), partition)

    def dead(
        self, original: bytes | None, headers: Mapping[str, str] = MappingProxyType({}), partition: int = 0
    ) -> LogRecord:
        given = {
            names.STAGE: "normalizer",
            names.ERROR_CLASS: "NormalizationError",
            names.ERROR_MESSAGE: "the body is not JSON",
            names.SOURCE_TOPIC: topics.RAW_WEBHOOK,
            names.SOURCE_PARTITION: "0",
            names.SOURCE_OFFSET: str(self._ends[topics.DEAD_LETTER, partition]),
            names.TRACE_ID: "trace-dead",
            **headers,
        }
        return self.append(
            topics.DEAD_LETTER, original, partition, [(name, text.encode()) for name, text in given.items()]
        )

    def done(
        self, action: AuditAction, letter: str, number: int, partition: int = 0, *, seconds: float = 50
    ) -> LogRecord:
        """Ana did something to a dead letter."""
        record = f"{topics.RAW_WEBHOOK}/0@{1_000 + number}"
        change = AuditChange(
            action=action,
            subject=letter,
            actor="Ana",
            at=at(seconds),
            reason="asked",
            detail={"round": number, "record": record},
        )
        return self.append(topics.AUDIT_CHANGE, msgspec.json.encode(change), partition)

    def append(
        self,
        topic: str,
        value: bytes | None,
        partition: int = 0,
        headers: Sequence[tuple[str, bytes]] = (),
        *,
        seconds: float = 2,
    ) -> LogRecord:
        offset = self._ends[topic, partition]
        self._ends[topic, partition] = offset + 1
        return LogRecord(topic, partition, offset, int(at(seconds).timestamp() * 1000), value, headers)


async def dump(database: Database) -> dict[str, list[Row]]:
    """Every projected table, in an order of its own."""
    tables = {}
    for table in PROJECTED:
        rows = await database.fetch(f"SELECT * FROM {table}")  # noqa: S608
        tables[table] = sorted(rows, key=lambda row: str(list(row.values())))
    return tables


async def one(database: Database, table: str) -> Row:
    """The only row of a table."""
    rows = await database.fetch(f"SELECT * FROM {table}")  # noqa: S608
    assert len(rows) == 1, rows
    return rows[0]
