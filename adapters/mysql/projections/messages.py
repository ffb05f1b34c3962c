"""`messages`: what was said in conversations, keyed by channel and the stable part of the provider's message id.

From event.accepted: messages that came in and were decided for a conversation or an AI, own ones typed on the phone,
acks. From delivery.status (by way of `outbound_messages`): what the hub sends. An echo and its command meet on one row
once any fact names the provider's id; of what both say, the command's word stands.
"""

from collections.abc import Iterable
from typing import Final

from adapters.mysql.records import Records
from adapters.mysql.statements import TEXT, Row, cut, json, least, over, time, upsert, where
from adapters.mysql.steps import Write
from schemas import event_types as types
from schemas.deliveries import AckStatus
from schemas.events import AcceptedEvent, Action, Kind
from streams import identity, keys
from streams.evidence import evidence_of

_ACKS: Final = (
    AckStatus.PENDING,
    AckStatus.SENT,
    AckStatus.FAILED,
    AckStatus.DELIVERED,
    AckStatus.READ,
    AckStatus.PLAYED,
)
"""From the weakest up: a rank is a place in here, counted from 1."""
_ATTACHED: Final = ("media", "location", "vcard", "quoted", "text_length")
_TEXTS: Final = ("text", "caption")
_ROUTED: Final = frozenset({Kind.ACCEPTED, Kind.UPDATED})
_LONGEST_NAME: Final = 255
_IN_CHAT: Final = frozenset({Action.CHAT, Action.AI})
"""What an AI is asked is said in a conversation too: there it answers, and there a person takes over."""

_OF_EVENT: Final = (
    "author",
    "author_name",
    "event_id",
    "event_conversation_id",
    "event_at",
    "attachment",
    "event_revision",
)
_LEAST: Final = ("event_received_at",)
_SHARED: Final = ("tenant_id", "type", "text")
_ADDRESS: Final = ("channel_id", "message_key", "direction")


def shown(records: Records) -> list[AcceptedEvent]:
    """The events that are messages of a conversation, in the order of the log."""
    return [sighting.event for sighting in records.sightings if _is_shown(sighting.event)]


def key_of(event: AcceptedEvent) -> str:
    """The key of an event's message: the provider's where the gateway's webhook told it, else one made of the event."""
    is_told = event.source_system == keys.GATEWAY and event.event_type.startswith(types.PREFIX)
    key = event.payload.get("message_key") if is_told else None
    return key if isinstance(key, str) and key else f"event:{event.event_id}"


def _is_shown(event: AcceptedEvent) -> bool:
    if event.kind not in _ROUTED or not event.channel or not event.contact:
        return False
    if event.event_type == types.OUTBOUND_MESSAGE:
        return True
    return event.decision is not None and event.decision.action in _IN_CHAT


def said(records: Records) -> list[Row]:
    """One row a message event."""
    return [_row(event) for event in shown(records)]


def acked(records: Records) -> list[Row]:
    """One row an ack that names its channel; those without one reach the hub's own sends by delivery.status."""
    found = (evidence_of(sighting.event) for sighting in records.sightings if sighting.event.kind in _ROUTED)
    return [
        {
            "channel_id": evidence.channel,
            "message_key": evidence.message_key,
            "direction": "outbound",
            "ack_rank": _ACKS.index(evidence.ack) + 1,
        }
        for evidence in found
        if evidence and evidence.ack and evidence.channel
    ]


def commanded(records: Records) -> list[Row]:
    """The commands of which something new is known."""
    return _commands(report.fact.command_id for report in records.reports)


def bound(records: Records) -> list[Row]:
    """The commands whose provider id was named."""
    return _commands(report.fact.command_id for report in records.reports if report.fact.provider_message_id)


def _commands(ids: Iterable[str]) -> list[Row]:
    return [{"command_id": command_id} for command_id in sorted(set(ids))]


def _row(event: AcceptedEvent) -> Row:
    payload = event.payload
    attached = {name: payload[name] for name in _ATTACHED if name in payload}
    return {
        "channel_id": event.channel,
        "message_key": key_of(event),
        "direction": "outbound" if event.event_type == types.OUTBOUND_MESSAGE else "inbound",
        "tenant_id": event.decision.tenant_id if event.decision else event.tenant_id,
        "type": cut(payload.get("type"), 50),
        "author": cut(payload.get("author"), _LONGEST_NAME),
        "author_name": cut(payload.get("sender_name"), _LONGEST_NAME),
        "event_id": event.event_id,
        "event_conversation_id": event.conversation_id or identity.conversation_id(event.channel, event.contact),
        "event_at": time(event.occurred_at),
        "event_revision": event.revision,
        "event_received_at": time(event.received_at),
        "attachment": json(attached) if attached else None,
        "text": next((text for name in _TEXTS if (text := payload.get(name)) and isinstance(text, str)), None),
    }


_NEWER: Final = "new.event_revision >= COALESCE(old.event_revision, 0)"
_SAY: Final = upsert(
    "messages",
    (*_ADDRESS, *_OF_EVENT, *_LEAST, *_SHARED),
    where(f"{_NEWER} AND old.command_id IS NULL", *_SHARED) | where(_NEWER, "direction", *_OF_EVENT) | least(*_LEAST),
)
_ACK: Final = upsert("messages", (*_ADDRESS, "ack_rank"), {"ack_rank": "GREATEST(old.ack_rank, new.ack_rank)"})
_ONE_COMMAND: Final = {"command_id": TEXT}
_BY_COMMAND: Final = (
    "{rows} STRAIGHT_JOIN outbound_messages AS sent FORCE INDEX (unique_command) ON sent.command_id = new.command_id"
)
_UNBOUND_KEY: Final = "CONCAT('command:', sent.command_id)"
_COMMAND: Final = over(
    _ONE_COMMAND,
    "INSERT INTO messages (channel_id, message_key, direction, tenant_id, type, "  # noqa: S608
    "command_id, command_conversation_id, command_at, command_status, text) "
    f"SELECT sent.channel_id, COALESCE(sent.message_key, {_UNBOUND_KEY}), 'outbound', sent.tenant_id, 'text', "
    "sent.command_id, sent.conversation_id, COALESCE(sent.sent_at, sent.created_at), sent.status, sent.body "
    f"FROM {_BY_COMMAND} WHERE sent.body IS NOT NULL "
    "ON DUPLICATE KEY UPDATE direction = 'outbound', tenant_id = sent.tenant_id, type = 'text', "
    "command_id = sent.command_id, command_conversation_id = sent.conversation_id, "
    "command_at = COALESCE(sent.sent_at, sent.created_at), command_status = sent.status, text = sent.body",
)
_REPLACE_UNBOUND: Final = over(
    _ONE_COMMAND,
    f"DELETE message FROM {_BY_COMMAND} STRAIGHT_JOIN messages AS message "
    f"ON message.channel_id = sent.channel_id AND message.message_key = {_UNBOUND_KEY} "
    "WHERE sent.message_key IS NOT NULL",
)

STEPS: Final = (
    Write(said, _SAY),
    Write(acked, _ACK),
    Write(commanded, _COMMAND),
    Write(bound, _REPLACE_UNBOUND),
)
