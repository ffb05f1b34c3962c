"""The file of a message: what is told of it, and what the bytes are that came in its place."""

import re
from collections.abc import Callable
from typing import Any, Final

from schemas.media import MediaState
from streams import revisions
from streams.identity import MessageId
from streams.normalization import embedded, values
from streams.normalization.blobs import Blob

_JPEG: Final = "image/jpeg"
_NO_ID: Final = "the message has no id"
_REVISIONS: Final = {
    MediaState.PENDING: revisions.COMPLETE,
    MediaState.FAILED: revisions.MEDIA_FAILED,
    MediaState.READY: revisions.MEDIA_READY,
}
_UNKNOWN: Final = "application/octet-stream"
_WITH_THUMBNAIL: Final = frozenset({"image", "video", "document", "sticker", "location"})
_TYPE_OF_BYTES: Final = {"audio": "audio", "image": "image", "video": "video"}
_MIMETYPE: Final = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,80}(?: *; *[\w.+-]+=[\w.+\"-]+){0,3}", re.ASCII)


def described(source: dict[str, Any]) -> dict[str, Any]:
    """The description of a file: media type, name, size in bytes, seconds, id. Never its bytes nor their keys."""
    found: dict[str, Any] = {}
    for name, field, read in _DESCRIPTION:
        if (value := source.get(field)) is not None and name not in found and (told := read(value)) is not None:
            found[name] = told
    return found


def type_of(encoded: str) -> str:
    """The type of a message of which nothing but encoded bytes is known."""
    told = embedded.media_type(encoded)
    return "document" if told is None else _TYPE_OF_BYTES.get(told.partition("/")[0], "document")


def file(kind: str, encoded: str, description: dict[str, Any]) -> Blob | None:
    """The file itself, where its bytes stood in a text field; None where they are something else, or not whole.

    The JPEG in a message of an image, a video or a document is its thumbnail, never the file.
    """
    looks = embedded.media_type(encoded)
    if not _is_file(kind, looks):
        return None
    data = embedded.decode(encoded)
    if data is None or len(data) < description.get("size", 0):
        return None
    return Blob.of(data, description.get("mimetype") or looks or _UNKNOWN)


def thumbnail(kind: str, encoded: Any) -> Blob | None:
    """The small picture of a message's file or place; None where these bytes are none."""
    if not isinstance(encoded, str) or kind not in _WITH_THUMBNAIL or embedded.media_type(encoded) != _JPEG:
        return None
    data = embedded.decode(encoded)
    return None if data is None else Blob.of(data, _JPEG)


def told(media: dict[str, Any], thumbnail: dict[str, Any] | None, named: MessageId | None) -> dict[str, Any]:
    """The file as an event tells of it. Without the message's id nobody can be asked for what did not come with it."""
    described = with_thumbnail(media, thumbnail) or {}
    if "ref" in described:
        return {"state": MediaState.READY, **described}
    if named is None:
        return {"state": MediaState.FAILED, **described, "reason": _NO_ID}
    return {"state": MediaState.PENDING, **described}


def with_thumbnail(described: dict[str, Any] | None, thumbnail: dict[str, Any] | None) -> dict[str, Any] | None:
    """A file or a place, with its small picture where it has one."""
    return described if thumbnail is None else {**(described or {}), "thumbnail": thumbnail}


def revision(media: dict[str, Any] | None) -> int:
    """How much a message tells that has this file, or none."""
    return revisions.COMPLETE if media is None else _REVISIONS[media["state"]]


def shown(blob: Blob) -> dict[str, Any]:
    """A blob as an event tells of it."""
    return {"ref": blob.ref, "mimetype": blob.media_type, "size": len(blob.data)}


def _is_file(kind: str, looks: str | None) -> bool:
    match kind:
        case "audio" | "ptt":
            return looks is None or looks.startswith(("audio/", "video/"))
        case "video":
            return looks is not None and looks.startswith("video/")
        case "image":
            return looks is not None and looks.startswith("image/") and looks != _JPEG
        case "sticker":
            return looks == "image/webp"
        case "document":
            return looks != _JPEG
        case _:
            return False


def _mimetype(value: Any) -> str | None:
    told = values.name(value)
    return told if told is not None and _MIMETYPE.fullmatch(told) else None


def _count(value: Any) -> int | None:
    if isinstance(value, str) and len(value) <= 15 and value.isascii() and value.isdecimal():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53 else None


_DESCRIPTION: Final[tuple[tuple[str, str, Callable[[Any], Any]], ...]] = (
    ("mimetype", "mimetype", _mimetype),
    ("mimetype", "mime_type", _mimetype),
    ("filename", "filename", values.name),
    ("filename", "fileName", values.name),
    ("filename", "file_name", values.name),
    ("size", "size", _count),
    ("size", "fileLength", _count),
    ("size", "file_size", _count),
    ("seconds", "duration", _count),
    ("seconds", "seconds", _count),
    ("media_id", "mediaId", values.name),
    ("media_id", "media_id", values.name),
)
