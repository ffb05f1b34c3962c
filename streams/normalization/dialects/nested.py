"""The nested form: a message's content lies in an object named after its type (`message.message.imageMessage`)."""

from typing import Any, Final

from streams import identity
from streams.normalization import content, fields, files, reading, values
from streams.normalization.dialects import engine, flat
from streams.normalization.fields import Parts
from streams.normalization.inbound import TEXT, Content, Inbound, Revoked, Technical
from streams.normalization.reading import Kind, Said

NAME: Final = "nested"
KINDS: Final = {**engine.KINDS, **flat.KINDS, "messages.upsert": Kind.MESSAGE, "send.message": Kind.OWN_MESSAGE}

_HOLDERS: Final = (fields.MESSAGE, fields.DATA, fields.PAYLOAD)
_ENVELOPES: Final = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "deviceSentMessage",
)
_MEDIA: Final = {
    "imageMessage": "image",
    "videoMessage": "video",
    "audioMessage": "audio",
    "documentMessage": "document",
    "stickerMessage": "sticker",
    "ptvMessage": "video",
}
_TEXTS: Final = {
    "extendedTextMessage": "text",
    "buttonsResponseMessage": "selectedDisplayText",
    "templateButtonReplyMessage": "selectedDisplayText",
    "listResponseMessage": "title",
}
_REVOKE: Final = frozenset({0, "0", "REVOKE"})


def matches(parts: Parts) -> bool:
    """There is an object `message` inside of the message."""
    return _inner(parts) is not None


def read(parts: Parts) -> list[Said]:
    """Read by the event's name; what a message holds may turn it into a reaction or a deletion."""
    return [(_read(parts), parts)]


def _read(parts: Parts) -> Inbound:
    name = fields.event_name(parts)
    kind = KINDS.get(name) or KINDS.get(fields.engine_name(parts))
    inner = _inner(parts) or {}
    if kind not in (Kind.MESSAGE, Kind.OWN_MESSAGE):
        return reading.read(kind, name, parts, content.read)
    if isinstance(reacted := inner.get("reactionMessage"), dict):
        return reading.reaction(parts, identity.message_id(reacted.get("key")), values.text(reacted.get("text")))
    if isinstance(protocol := inner.get("protocolMessage"), dict):
        return _protocol(protocol, parts)
    return reading.message(parts, _content(inner, parts), is_own=kind is Kind.OWN_MESSAGE)


def _inner(parts: Parts) -> dict[str, Any] | None:
    for holder in _HOLDERS:
        inner = parts[holder].get("message")
        if inner is not None and isinstance(inner, dict) and parts[holder] is not parts[fields.TOP]:
            return _unwrapped(inner)
    return None


def _unwrapped(inner: dict[str, Any]) -> dict[str, Any]:
    for _ in range(4):
        envelope = next((inner[name] for name in _ENVELOPES if isinstance(inner.get(name), dict)), None)
        if envelope is None or not isinstance(envelope.get("message"), dict):
            break
        inner = envelope["message"]
    return inner


def _content(inner: dict[str, Any], parts: Parts) -> Content:
    for name, kind in _MEDIA.items():
        if isinstance(source := inner.get(name), dict):
            return _media(kind, source, parts)
    if isinstance(source := inner.get("locationMessage"), dict):
        return _location(source)
    if isinstance(source := inner.get("contactMessage"), dict):
        return content.assemble("vcard", _texts(source.get("vcard")), None, parts)
    for name, field in _TEXTS.items():
        if isinstance(source := inner.get(name), dict):
            return _with_context(content.assemble(TEXT, _texts(source.get(field)), None, parts), source)
    if texts := _texts(inner.get("conversation")):
        return content.assemble(TEXT, texts, None, parts)
    return _unnamed(inner, parts)


def _unnamed(inner: dict[str, Any], parts: Parts) -> Content:
    """A type that is not known here keeps its name; without any type the fields beside it may say more."""
    name = next((name for name in inner if name.endswith("Message") and isinstance(inner[name], dict)), None)
    if name is None or name == "senderKeyDistributionMessage":
        return content.read(parts)
    return Content(type=(values.word(name) or "unknown").removesuffix("message"))


def _media(kind: str, source: dict[str, Any], parts: Parts) -> Content:
    if kind == "audio" and source.get("ptt") is True:
        kind = "ptt"
    found = content.assemble(kind, (), values.text(source.get("caption")), parts)
    found.media = files.described(source) | (found.media or {})
    content.add_thumbnail(found, source.get("jpegThumbnail"))
    return _with_context(found, source)


def _location(source: dict[str, Any]) -> Content:
    label = source.get("name") or source.get("address")
    place = content.location(source.get("degreesLatitude"), source.get("degreesLongitude"), label)
    found = Content(type="location", location=place)
    content.add_thumbnail(found, source.get("jpegThumbnail"))
    return found


def _texts(value: Any) -> tuple[str, ...]:
    text = values.text(value)
    return () if text is None else (text,)


def _with_context(found: Content, source: dict[str, Any]) -> Content:
    context = source.get("contextInfo")
    if isinstance(context, dict) and isinstance(answered := context.get("quotedMessage"), dict):
        found.quoted = content.quoted(context.get("stanzaId"), context.get("participant"), answered.get("conversation"))
    return found


def _protocol(protocol: dict[str, Any], parts: Parts) -> Revoked | Technical:
    target = identity.message_id(protocol.get("key"))
    kind = protocol.get("type", 0)
    if target is None or not isinstance(kind, (int, str)) or kind not in _REVOKE:
        return Technical("protocol")
    return reading.revoked(parts, target)
