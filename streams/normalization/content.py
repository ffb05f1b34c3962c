"""What a message holds, where its fields lie side by side (wrapper, flat and the engine's own envelope)."""

import math
from collections.abc import Callable
from typing import Any, Final

from streams import identity
from streams.normalization import embedded, fields
from streams.normalization.fields import Parts
from streams.normalization.inbound import CIPHERTEXT, MEDIA, TEXT, Content

MAX_TEXT: Final = 65_536
"""Longest text that WhatsApp takes; what is longer stays whole in the raw log alone."""
MAX_VCARD: Final = 20_000
MAX_QUOTED: Final = 1_000

_TEXT_TYPES: Final = frozenset({"chat", "text", "conversation", "extendedtext"})
_WITH_THUMBNAIL: Final = MEDIA | {"location"}
_VCARD_START: Final = "BEGIN:VCARD"
_SOURCES: Final = (fields.PAYLOAD, fields.MESSAGE, fields.DATA)
_TYPE_OF_BYTES: Final = {"audio": "audio", "image": "image", "video": "video"}


def read(parts: Parts) -> Content:
    """Read a message's content; what cannot be read is left out, never guessed."""
    kind = fields.first(parts, fields.TYPE, fields.word) or TEXT
    text = fields.first(parts, fields.TEXT, fields.text)
    caption = fields.first(parts, fields.CAPTION, fields.text)
    return assemble(TEXT if kind in _TEXT_TYPES else kind, text, caption, parts)


def assemble(kind: str, text: str | None, caption: str | None, parts: Parts) -> Content:
    """Sort out what a text field holds: a text, a caption, a contact card, or bytes that are dropped."""
    content = Content(type=kind)
    if text is not None and embedded.is_bytes(text, in_media=kind in _WITH_THUMBNAIL):
        content.dropped = text
        if kind == TEXT:
            content.type = _type_of_bytes(text)
        text = None
    if caption is not None and embedded.is_bytes(caption, in_media=False):
        caption = None
    if text is not None and (content.type == "vcard" or text.startswith(_VCARD_START)):
        content.type, content.vcard, text = "vcard", text[:MAX_VCARD], None
    if content.type in MEDIA:
        content.media = _media(content, parts)
        text, caption = None, caption or text
    elif content.type == "location":
        content.location = _location(parts)
    elif text is None:
        text, caption = caption, None
    if text and content.type == CIPHERTEXT:
        content.type = TEXT
    _keep(content, text, caption)
    content.quoted = _quoted(parts[fields.PAYLOAD])
    return content


def media(source: dict[str, Any]) -> dict[str, Any]:
    """The description of a file: media type, name, size in bytes, seconds, id. Never its bytes nor their keys."""
    described: dict[str, Any] = {}
    for name, field, read in _MEDIA:
        if (value := source.get(field)) is not None and name not in described and (found := read(value)) is not None:
            described[name] = found
    return described


def location(latitude: Any, longitude: Any, label: Any) -> dict[str, Any] | None:
    """A place on earth; None where the numbers are none."""
    lat, lng = _degrees(latitude, 90), _degrees(longitude, 180)
    if lat is None or lng is None:
        return None
    place: dict[str, Any] = {"lat": lat, "lng": lng}
    if named := fields.name(label):
        place["name"] = named
    return place


def quoted(message: Any, author: Any, text: Any) -> dict[str, Any] | None:
    """The message that this one answers; None where its id is not known."""
    key = identity.message_key(message)
    if key is None:
        return None
    answered = {"message_key": key}
    if named := fields.contact_id(author):
        answered["author"] = named
    if isinstance(text, str) and text and not embedded.is_bytes(text, in_media=True):
        answered["text"] = text[:MAX_QUOTED]
    return answered


def _keep(content: Content, text: str | None, caption: str | None) -> None:
    longest = max(len(text or ""), len(caption or ""))
    if longest > MAX_TEXT:
        content.text_length = longest
    content.text = text[:MAX_TEXT] if text else None
    content.caption = caption[:MAX_TEXT] if caption else None


def _media(content: Content, parts: Parts) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in _SOURCES:
        if parts[part]:
            found = media(parts[part]) | found
    if content.dropped is not None:
        found["bytes_dropped"] = len(content.dropped)
        if "mimetype" not in found and (told := embedded.media_type(content.dropped)):
            found["mimetype"] = told
    return found


def _location(parts: Parts) -> dict[str, Any] | None:
    for part in _SOURCES:
        source = parts[part]
        if place := location(source.get("lat"), source.get("lng"), source.get("loc")):
            return place
    return None


def _quoted(payload: dict[str, Any]) -> dict[str, Any] | None:
    answered = payload.get("quotedMsg")
    source = answered if isinstance(answered, dict) else {}
    reference = payload.get("quotedMsgId") or payload.get("quotedStanzaID") or source.get("id")
    return quoted(reference, payload.get("quotedParticipant"), source.get("body"))


def _type_of_bytes(text: str) -> str:
    told = embedded.media_type(text)
    return "document" if told is None else _TYPE_OF_BYTES.get(told.partition("/")[0], "document")


def _count(value: Any) -> int | None:
    if isinstance(value, str) and len(value) <= 15 and value.isascii() and value.isdecimal():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53 else None


def _degrees(value: Any, bound: int) -> float | None:
    if isinstance(value, str) and len(value) <= 30:
        try:
            value = float(value)
        except ValueError:
            return None
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return float(value) if math.isfinite(value) and abs(value) <= bound else None


_MEDIA: Final[tuple[tuple[str, str, Callable[[Any], Any]], ...]] = (
    ("mimetype", "mimetype", fields.name),
    ("filename", "filename", fields.name),
    ("filename", "fileName", fields.name),
    ("size", "size", _count),
    ("size", "fileLength", _count),
    ("seconds", "duration", _count),
    ("seconds", "seconds", _count),
    ("media_id", "mediaId", fields.name),
    ("media_id", "media_id", fields.name),
)
