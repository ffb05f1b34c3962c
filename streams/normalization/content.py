"""What a message holds, where its fields lie side by side (wrapper, flat and the engine's own envelope)."""

import math
from collections.abc import Iterable
from typing import Any, Final

from streams import identity
from streams.normalization import embedded, fields, files, values, vcards
from streams.normalization.fields import Parts
from streams.normalization.inbound import CIPHERTEXT, MEDIA, TEXT, Content

MAX_TEXT: Final = 65_536
"""Longest text that WhatsApp takes; what is longer stays whole in the raw log alone."""
MAX_QUOTED: Final = 1_000

_TEXT_TYPES: Final = frozenset({"chat", "text", "conversation", "extendedtext"})
_WITH_BYTES: Final = MEDIA | {"location"}
_SOURCES: Final = (fields.PAYLOAD, fields.MESSAGE, fields.DATA)


def read(parts: Parts) -> Content:
    """Read a message's content; what cannot be read is left out, never guessed."""
    kind = fields.first(parts, fields.TYPE, values.word) or TEXT
    caption = fields.first(parts, fields.CAPTION, values.text)
    if kind in _TEXT_TYPES:
        kind = TEXT
    text = fields.first(parts, fields.TEXT, values.text) if kind == TEXT and caption is None else None
    if text is not None and _is_plain(text):  # most of what comes: nothing to sort out
        content = Content(text=text)
    else:
        content = assemble(kind, fields.each(parts, fields.TEXT, values.text), caption, parts)
    content.quoted = _quoted(parts[fields.PAYLOAD])
    return content


def assemble(kind: str, texts: Iterable[str], caption: str | None, parts: Parts) -> Content:
    """Sort out what text fields hold: a text, a caption, a contact card, or the bytes of a file or a thumbnail."""
    text, encoded = _sorted(texts, in_media=kind in _WITH_BYTES)
    if caption is not None and embedded.is_bytes(caption, in_media=False):
        caption = None
    content = Content(type=files.type_of(encoded) if encoded is not None and kind == TEXT else kind, encoded=encoded)
    if text is not None and (kind == "vcard" or text.startswith(vcards.START)):
        content.type, content.vcard, text = "vcard", vcards.without_bytes(text), None
    if content.type in MEDIA:
        content.media = _media(parts)
        text, caption = None, caption or text
    elif content.type == "location":
        content.location = _location(parts)
    elif text is None:
        text, caption = caption, None
    if text and content.type == CIPHERTEXT:
        content.type = TEXT
    _keep(content, text, caption)
    if encoded is not None and not _is_file(content, encoded):
        add_thumbnail(content, encoded)
    return content


def add_thumbnail(content: Content, encoded: Any) -> None:
    """Take encoded bytes for the thumbnail of a file or a place, where they are one."""
    if blob := files.thumbnail(content.type, encoded):
        content.thumbnail = files.shown(blob)
        content.blobs = (*content.blobs, blob)


def location(latitude: Any, longitude: Any, label: Any) -> dict[str, Any] | None:
    """A place on earth; None where the numbers are none."""
    lat, lng = _degrees(latitude, 90), _degrees(longitude, 180)
    if lat is None or lng is None:
        return None
    place: dict[str, Any] = {"lat": lat, "lng": lng}
    if named := values.name(label):
        place["name"] = named
    return place


def quoted(message: Any, author: Any, text: Any) -> dict[str, Any] | None:
    """The message that this one answers; None where its id is not known."""
    key = identity.message_key(message)
    if key is None:
        return None
    answered = {"message_key": key}
    if named := values.contact_id(author):
        answered["author"] = named
    if isinstance(text, str) and text and not embedded.is_bytes(text, in_media=True):
        answered["text"] = (
            vcards.without_bytes(text)[:MAX_QUOTED] if text.startswith(vcards.START) else text[:MAX_QUOTED]
        )
    return answered


def _sorted(texts: Iterable[str], *, in_media: bool) -> tuple[str | None, str | None]:
    """The first text that a person may have written, and the first that is encoded bytes."""
    text = encoded = None
    for candidate in texts:
        if embedded.is_bytes(candidate, in_media=in_media):
            encoded = encoded or candidate
        else:
            text = text or candidate
        if text is not None and (encoded is not None or not in_media):
            break
    return text, encoded


def _is_file(content: Content, encoded: str) -> bool:
    """Keep the bytes of the file itself, where these are."""
    if content.media is None or (blob := files.file(content.type, encoded, content.media)) is None:
        return False
    content.media |= files.shown(blob)
    content.blobs = (*content.blobs, blob)
    return True


def _is_plain(text: str) -> bool:
    """Whether a text is one that a person wrote, of a length that is kept."""
    return len(text) <= MAX_TEXT and not embedded.is_bytes(text, in_media=False) and not text.startswith(vcards.START)


def _keep(content: Content, text: str | None, caption: str | None) -> None:
    content.text, content.caption = text, caption
    longest = max(len(text or ""), len(caption or ""))
    if longest > MAX_TEXT:
        content.text_length = longest
        content.text = text and text[:MAX_TEXT]
        content.caption = caption and caption[:MAX_TEXT]


def _media(parts: Parts) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in _SOURCES:
        if parts[part]:
            found = files.described(parts[part]) | found
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
    return quoted(reference, payload.get("quotedParticipant"), source.get("body")) if reference else None


def _degrees(value: Any, bound: int) -> float | None:
    if isinstance(value, str) and len(value) <= 30:
        try:
            value = float(value)
        except ValueError:
            return None
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return float(value) if math.isfinite(value) and abs(value) <= bound else None
