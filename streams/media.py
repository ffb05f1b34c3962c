"""The file of a message: whether it is to be fetched, and what its message says once that is done."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from schemas import event_types
from schemas.events import Coordinates, Event
from schemas.media import FetchMedia, MediaState
from streams import keys, revisions

_ACTION: Final = "media"
_MESSAGES: Final = frozenset({event_types.INBOUND_MESSAGE, event_types.OUTBOUND_MESSAGE})
_HEX: Final = re.compile("[0-9A-F]{8,64}")
_SAYS_NOTHING: Final = frozenset({"application/octet-stream", "binary/octet-stream"})
_UNKNOWN_TYPE: Final = "application/octet-stream"
_LONGEST_TYPE: Final = 100
_LONGEST_REASON: Final = 300


def fetch_of(event: Event) -> FetchMedia | None:
    """The command to fetch what a message came without; None where nothing is missing, or nobody could be asked.

    It follows from the event alone, so that a redelivery makes the same one.
    """
    if event.source_system != keys.GATEWAY or event.event_type not in _MESSAGES or not event.channel:
        return None
    message_id = _full_id(event.payload)
    if _media(event).get("state") != MediaState.PENDING or message_id is None:
        return None
    return FetchMedia(
        command_id=keys.command_id(event.event_id, _ACTION),
        channel=event.channel,
        message_id=message_id,
        created_at=event.received_at,
        event=event,
    )


def ready(event: Event, raw: Coordinates, *, ref: str, mimetype: str, size: int) -> Event:
    """The message with its file: an update that the record at `raw` brought about. `size` in bytes."""
    said = {"state": MediaState.READY, "ref": ref, "mimetype": mimetype, "size": size}
    return _updated(event, raw, revisions.MEDIA_READY, said)


def failed(event: Event, raw: Coordinates, reason: str) -> Event:
    """The message whose file could not be fetched, and why."""
    said = {"state": MediaState.FAILED, "reason": reason[:_LONGEST_REASON]}
    return _updated(event, raw, revisions.MEDIA_FAILED, said)


def type_of(event: Event, answered: str | None, data: bytes) -> str:
    """The media type of a file: what the gateway answered, else what the message said, else what its bytes tell."""
    for told in (answered, _media(event).get("mimetype")):
        if isinstance(told, str) and "/" in told and told.lower() not in _SAYS_NOTHING and len(told) <= _LONGEST_TYPE:
            return told
    return sniffed(data) or _UNKNOWN_TYPE


def sniffed(data: bytes) -> str | None:
    """The media type that the first bytes of a file tell; None for what is not known by them."""
    for at, start, told in _SIGNATURES:
        if data.startswith(start, at):
            return told
    return None


def _updated(event: Event, raw: Coordinates, revision: int, said: dict[str, Any]) -> Event:
    payload = event.payload | {"media": _media(event) | said}
    return msgspec.structs.replace(event, raw=raw, revision=revision, payload=payload)


def _full_id(payload: Mapping[str, Any]) -> str | None:
    """The id by which the gateway is asked: `{fromMe}_{chat}_{HEX}[_{participant}]`.

    The nested form tells its last part alone; the engine spells a phone's domain `c.us`.
    """
    told, chat, author = (payload.get(name) for name in ("message_id", "chat", "author"))
    if not isinstance(told, str) or not told:
        return None
    if not _HEX.fullmatch(told) or not isinstance(chat, str) or "@" not in chat:
        return told
    parts = ["true" if payload.get("from_me") else "false", _engine_id(chat), told]
    if chat.endswith("@g.us") and isinstance(author, str):
        parts.append(_engine_id(author))
    return "_".join(parts)


def _engine_id(contact: str) -> str:
    return contact.replace("@s.whatsapp.net", "@c.us")


def _media(event: Event) -> dict[str, Any]:
    media = event.payload.get("media")
    return media if isinstance(media, dict) else {}


_SIGNATURES: Final = (
    (0, b"OggS", "audio/ogg"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp3g", "video/3gpp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
)
"""Where in a file what stands, and which type that is; the first that fits."""
