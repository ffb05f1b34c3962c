"""Whapi's envelope: an array of messages or of statuses, each told in an object that is named after its type.

https://support.whapi.cloud/help-desk/receiving/webhooks/incoming-webhooks-format
"""

from typing import Any, Final

from streams import identity
from streams.normalization import content, fields, reading, values
from streams.normalization.fields import Parts
from streams.normalization.inbound import Content, Inbound, Other, Technical
from streams.normalization.reading import Said

NAME: Final = "whapi"

_TYPES: Final = {
    "voice": "ptt",
    "gif": "video",
    "short": "video",
    "contact": "vcard",
    "live_location": "location",
    "link_preview": "text",
    "reply": "text",
}
_TECHNICAL: Final = {"presences": "presence", "labels": "label"}


def matches(parts: Parts) -> bool:
    """The event is an object of a type and what was done with it."""
    return isinstance(parts[fields.TOP].get("event"), dict)


def read(parts: Parts) -> list[Said]:
    """Read each message and each status; a body of anything else is kept under its name."""
    body = parts[fields.TOP]
    said: list[Said] = []
    for item in values.objects(body.get("messages")):
        of = _translated(item, body)
        said.append((_message(item, of), of))
    for item in values.objects(body.get("statuses")):
        of = fields.parts({"channel": fields.channel(parts), "timestamp": item.get("timestamp")})
        named = identity.message_id(item.get("id"))
        said.append((reading.ack("status", named, item.get("status"), item.get("recipient_id")), of))
    if said:
        return said
    kind = _TECHNICAL.get(values.word(body["event"].get("type")) or "")
    return [(Technical(kind) if kind else Other(fields.event_name(parts)), parts)]


def _message(item: dict[str, Any], of: Parts) -> Inbound:
    action = values.object_in(item, "action")
    target = identity.message_id(action.get("target"))
    match action.get("type"):
        case None:
            return reading.message(of, _content(item, of))
        case "reaction":
            return reading.reaction(of, target, values.text(action.get("emoji")))
        case "delete" if target is not None:
            return reading.revoked(of, target)
        case other:
            return reading.other(f"action.{values.word(other) or 'unnamed'}", of)


def _content(item: dict[str, Any], of: Parts) -> Content:
    found = content.read(of)
    context = values.object_in(item, "context")
    answered = values.object_in(context, "quoted_content").get("body")
    found.quoted = content.quoted(context.get("quoted_id"), context.get("quoted_author"), answered)
    content.add_thumbnail(found, _held(item).get("preview"))
    return found


def _translated(item: dict[str, Any], body: dict[str, Any]) -> Parts:
    """The message with its fields where the table looks for them."""
    kind, held, chat = values.word(item.get("type")), _held(item), item.get("chat_id")
    is_group = isinstance(chat, str) and chat.endswith("@g.us")
    sender = item.get("from")
    key = {"id": item.get("id"), "remoteJid": chat or sender, "fromMe": item.get("from_me")}
    return fields.parts(
        {
            "channel": body.get("channel_id"),
            "message": {
                "key": key | ({"participant": sender} if is_group else {"senderPn": sender}),
                "timestamp": item.get("timestamp"),
                "type": _TYPES.get(kind or "", kind),
                "notifyName": item.get("from_name"),
                "text": held.get("body") or held.get("vcard") or _chosen(held),
                "caption": held.get("caption"),
                "mimetype": held.get("mime_type"),
                "filename": held.get("filename") or held.get("file_name"),
                "size": held.get("file_size"),
                "seconds": held.get("seconds"),
                "mediaId": held.get("id"),
                "lat": held.get("latitude"),
                "lng": held.get("longitude"),
                "loc": held.get("name") or held.get("address"),
            },
        }
    )


def _held(item: dict[str, Any]) -> dict[str, Any]:
    kind = item.get("type")
    return values.object_in(item, kind) if isinstance(kind, str) else values.NOTHING


def _chosen(reply: dict[str, Any]) -> Any:
    """The title of the button or row that was chosen."""
    chosen = values.object_in(reply, "buttons_reply") or values.object_in(reply, "list_reply")
    return chosen.get("title")
