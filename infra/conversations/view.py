"""How conversations look to people: a line each, and one as a talk; phones, names and texts only where asked for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from infra.logging import mask_phones
from infra.trace_view import HIDDEN, party

_PARTIES: Final = ("id", "conversation_id", "contact", "person", "reply_to")
_PERSONAL: Final = ("display_name", "author_name", "text", "attachment")
_PREVIEW: Final = 60


def discreet(row: Mapping[str, Any]) -> dict[str, Any]:
    """The same conversation or message with phones masked, and names and texts left out."""
    shown = {name: _discreet(name, value) for name, value in row.items()}
    if last := shown.get("last_message"):
        shown["last_message"] = discreet(last)
    return shown


def lines(conversations: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line each."""
    yield f"{'last (UTC)':<16}  {'status':<6} {'unread':>6}  {'assigned to':<16} {'conversation':<40} last message"
    for one in conversations:
        last = one["last_message"]
        said = f"{_ARROWS[last['direction']]} {_preview(last)}" if last else ""
        name = f"{one['display_name']}: " if one["display_name"] else ""
        yield (
            f"{_when(one['last_message_at']):<16}  {one['status']:<6} {one['unread']:>6}  "
            f"{one['assigned_to'] or '':<16} {one['id']:<40} {name}{said}"
        ).rstrip()


def whole(conversation: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One conversation with messages, the oldest of them first."""
    by = f", {conversation['status']} by {conversation['state_by']}" if conversation["state_by"] else ""
    why = f" ({conversation['state_reason']})" if conversation["state_reason"] else ""
    yield f"conversation  {conversation['id']}  tenant {conversation['tenant_id']}"
    yield f"              {conversation['status']}{by}{why}; {conversation['unread']} unread"
    if conversation["assigned_to"]:
        yield f"assigned to   {conversation['assigned_to']}, by {conversation['assigned_by']}"
    for other in conversation["linked"]:
        yield f"same person   {other}"
    yield f"replies to    {conversation['reply_to']}"
    if conversation["obstacle"]:
        yield f"              not now: {conversation['obstacle']}"
    yield ""
    for message in reversed(messages):
        yield f"{_when(message['at'])}  {_ARROWS[message['direction']]} {_who(message)}: {_preview(message)}".rstrip()


_ARROWS: Final = {"inbound": "<", "outbound": ">"}


def _who(message: Mapping[str, Any]) -> str:
    if message["origin"] == "contact":
        return message["author_name"] or "contact"
    said = {"reply": f"{message['written_by'] or ''} ({message['author_kind']})".strip()}
    return f"{said.get(message['origin'], message['origin'])} [{message['status']}]"


def _preview(message: Mapping[str, Any]) -> str:
    text = message["text"] or ""
    text = " ".join(text.split())
    media = message.get("media_state")
    kind = f"[{message['type']}{f', {media}' if media else ''}] " if message["type"] not in (None, "text") else ""
    return kind + (text if len(text) <= _PREVIEW or "media_state" in message else f"{text[: _PREVIEW - 1]}…")


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def _discreet(name: str, value: Any) -> Any:
    if not value:
        return value
    if name in _PERSONAL:
        return HIDDEN
    if name in _PARTIES:
        return party(value)
    if name == "linked":
        return [party(other) for other in value]
    return mask_phones(value) if isinstance(value, str) and name not in _IDS else value


_IDS: Final = ("event_id", "command_id", "trace_id", "sent_event_id", "media_ref")
