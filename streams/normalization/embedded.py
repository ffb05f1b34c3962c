"""Bytes that hide in a text field: base64 of a voice note or a thumbnail, which must not pass for a text."""

import re
from typing import Final

_TYPE_OF_START: Final = {
    "T2dnUw": "audio/ogg",
    "/9j/": "image/jpeg",
    "iVBORw0KGgo": "image/png",
    "UklGR": "image/webp",
    "JVBERi0": "application/pdf",
    "AAAAIGZ0eXA": "video/mp4",
    "AAAAHGZ0eXA": "video/mp4",
    "AAAAGGZ0eXA": "video/mp4",
}
_STARTS: Final = tuple(_TYPE_OF_START)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_\-\r\n]+={0,2}\s*")
_DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)[^,]{0,100};base64,", re.ASCII)
_SAMPLE: Final = 1000
_SHORTEST_WITH_START: Final = 40
_SHORTEST_IN_MEDIA: Final = 100
_SHORTEST_ALONE: Final = 1000


def is_bytes(text: str, *, in_media: bool) -> bool:
    """Whether a text is base64 by its look; `in_media` where the message's type makes that likely.

    No person writes a thousand letters without a space; in a message of a file a hundred are enough, and the beginning
    of a known format is enough alone.
    """
    if _DATA_URL.match(text):
        return True
    if text.startswith(_STARTS) and (in_media or len(text) >= _SHORTEST_WITH_START):
        return in_media or _looks_encoded(text)
    return len(text) >= (_SHORTEST_IN_MEDIA if in_media else _SHORTEST_ALONE) and _looks_encoded(text)


def media_type(text: str) -> str | None:
    """The media type that the beginning of base64 tells."""
    if match := _DATA_URL.match(text):
        return match[1].lower()
    return next((kind for start, kind in _TYPE_OF_START.items() if text.startswith(start)), None)


def _looks_encoded(text: str) -> bool:
    return _BASE64.fullmatch(text, 0, _SAMPLE) is not None and _BASE64.fullmatch(text[-_SAMPLE:]) is not None
