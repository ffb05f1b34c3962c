"""Meta's own envelope (Cloud API): entries of changes, each with arrays of messages, echoes and statuses.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
"""

from collections.abc import Iterator
from typing import Any, Final

from streams import identity
from streams.normalization import content, fields, reading, values
from streams.normalization.fields import Parts
from streams.normalization.inbound import Content, Inbound, Other
from streams.normalization.reading import Said

NAME: Final = "meta"

_OWN_TYPES: Final = frozenset({"hsm", "template"})
"""Types of messages that only a business sends: the echo of an own template."""
_TYPES: Final = {"voice": "ptt", "contacts": "vcard", "button": "text", "interactive": "text"}


def matches(parts: Parts) -> bool:
    """There is a list of entries."""
    return isinstance(parts[fields.TOP].get("entry"), list)


def read(parts: Parts) -> list[Said]:
    """Read each message, echo and status of each change; a change of anything else is kept under its field's name."""
    said: list[Said] = []
    for change in _changes(parts[fields.TOP]):
        value = values.object_in(change, "value")
        channel = fields.channel(parts) or values.object_in(value, "metadata").get("phone_number_id")
        found = [
            *(_message(item, value, channel, is_echo=False) for item in values.objects(value.get("messages"))),
            *(_message(item, value, channel, is_echo=True) for item in values.objects(value.get("message_echoes"))),
            *(_status(item, channel) for item in values.objects(value.get("statuses"))),
        ]
        said += found or [_other(change, channel)]
        values.require_few(said)
    return said or [(Other(fields.event_name(parts) or NAME), parts)]


def _changes(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in values.objects(body.get("entry")):
        yield from values.objects(entry.get("changes"))


def _message(item: dict[str, Any], value: dict[str, Any], channel: Any, *, is_echo: bool) -> Said:
    is_own = is_echo or values.word(item.get("type")) in _OWN_TYPES
    of = _translated(item, value, channel, is_own=is_own)
    return _said(item, of, is_own=is_own), of


def _said(item: dict[str, Any], of: Parts, *, is_own: bool) -> Inbound:
    match item.get("type"):
        case "reaction":
            reacted = values.object_in(item, "reaction")
            target = identity.message_id(reacted.get("message_id"))
            return reading.reaction(of, target, values.text(reacted.get("emoji")))
        case "revoke":
            target = identity.message_id(values.object_in(item, "revoke").get("original_message_id"))
            return reading.revoked(of, target) if target else reading.other("revoke", of)
        case _:
            return reading.message(of, _content(item, of), is_own=is_own)


def _content(item: dict[str, Any], of: Parts) -> Content:
    found = content.read(of)
    context = values.object_in(item, "context")
    found.quoted = content.quoted(context.get("id"), context.get("from"), None)
    return found


def _status(item: dict[str, Any], channel: Any) -> Said:
    of = fields.parts({"channel": channel, "timestamp": item.get("timestamp")})
    return reading.ack("status", identity.message_id(item.get("id")), item.get("status"), item.get("recipient_id")), of


def _other(change: dict[str, Any], channel: Any) -> Said:
    field = values.word(change.get("field"))
    return Other(f"{NAME}.{field}" if field else NAME), fields.parts({"channel": channel, "change": change})


def _translated(item: dict[str, Any], value: dict[str, Any], channel: Any, *, is_own: bool) -> Parts:
    """The message with its fields where the table looks for them."""
    kind, party = values.word(item.get("type")), item.get("to" if is_own else "from")
    held = values.object_in(item, item["type"]) if kind else values.NOTHING
    if kind == "audio" and held.get("voice") is True:
        kind = "voice"
    return fields.parts(
        {
            "channel": channel,
            "message": {
                "key": {"id": item.get("id"), "remoteJid": party, "fromMe": is_own},
                "timestamp": item.get("timestamp"),
                "type": _TYPES.get(kind or "", kind),
                "notifyName": None if is_own else _name(value, party),
                "text": _text(item, held),
                "caption": held.get("caption"),
                "mimetype": held.get("mime_type"),
                "filename": held.get("filename"),
                "mediaId": held.get("id"),
                "lat": held.get("latitude"),
                "lng": held.get("longitude"),
                "loc": held.get("name") or held.get("address"),
            },
        }
    )


def _text(item: dict[str, Any], held: dict[str, Any]) -> Any:
    """A text, the title of what was chosen, or contact cards."""
    chosen = values.object_in(held, "button_reply") or values.object_in(held, "list_reply")
    return held.get("body") or held.get("text") or chosen.get("title") or _cards(item.get("contacts"))


def _cards(contacts: Any) -> str | None:
    return "\n".join(_card(contact) for contact in values.objects(contacts)) or None


def _card(contact: dict[str, Any]) -> str:
    lines = [
        "BEGIN:VCARD",
        "VERSION:3.0",
        f"FN:{values.name(values.object_in(contact, 'name').get('formatted_name')) or ''}",
    ]
    for phone in values.objects(contact.get("phones")):
        account = values.name(phone.get("wa_id"))
        lines.append(f"TEL{f';waid={account}' if account else ''}:{values.name(phone.get('phone')) or ''}")
    return "\n".join([*lines, "END:VCARD"])


def _name(value: dict[str, Any], party: Any) -> Any:
    """The name that a contact of the change gave himself."""
    for contact in values.objects(value.get("contacts")):
        if contact.get("wa_id") == party:
            return values.object_in(contact, "profile").get("name")
    return None
