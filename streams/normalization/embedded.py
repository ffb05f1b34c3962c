"""Bytes that hide in a text field: base64 of a voice note or a thumbnail, which must not pass for a text."""

import binascii
import re
from typing import Final

from streams.media import sniffed

_STARTS: Final = (
    "T2dnUw", "/9j/", "iVBORw0KGgo", "UklGR", "R0lGOD", "JVBERi0", "UEsDB", "SUQz", "IyFBTVI", "AAAAFGZ0eX",
    "AAAAGGZ0eX", "AAAAHGZ0eX", "AAAAIGZ0eX",
)  # fmt: skip
"""How base64 begins of an OGG, JPEG, PNG, RIFF, GIF, PDF, ZIP, MP3, AMR or MP4 file."""
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_\-\r\n]+={0,2}\s*")
_MIXED: Final = tuple(map(re.compile, ("[A-Z]", "[a-z]", "[0-9]")))
_DATA_URL: Final = re.compile(r"data:([\w.+-]{1,60}/[\w.+-]{1,80})?[^,]{0,100};base64,", re.ASCII)
_URL_SAFE: Final = str.maketrans("-_", "+/")
_SAMPLE: Final = 1000
_SHORTEST_WITH_START: Final = 40
_SHORTEST_IN_MEDIA: Final = 100
_SHORTEST_ALONE: Final = 1000
_HEAD: Final = 64


def is_bytes(text: str, *, in_media: bool) -> bool:
    """Whether a text is base64 by its look; `in_media` where the message's type makes that likely.

    No person writes a thousand letters, large, small and digits, without a space; in a message of a file a hundred are
    enough, and the beginning of a known format is enough alone.
    """
    if text.startswith("data:") and _DATA_URL.match(text):
        return True
    if len(text) < _SHORTEST_WITH_START and not in_media:
        return False
    if text.startswith(_STARTS):
        return in_media or _looks_encoded(text)
    return len(text) >= (_SHORTEST_IN_MEDIA if in_media else _SHORTEST_ALONE) and _looks_encoded(text, mixed=True)


def decode(text: str) -> bytes | None:
    """The bytes of base64, with or without the head of a data URL, line breaks and padding, in either alphabet.

    None where it is none, or was cut within a byte.
    """
    head = _DATA_URL.match(text)
    encoded = text[head.end() :] if head else text
    if "-" in encoded or "_" in encoded:
        encoded = encoded.translate(_URL_SAFE)
    encoded = "".join(encoded.split()).rstrip("=")
    try:
        return binascii.a2b_base64(encoded + "=" * (-len(encoded) % 4), strict_mode=True) or None
    except ValueError:
        return None


def media_type(text: str) -> str | None:
    """The media type of what is encoded: what its first bytes tell, else what a data URL says."""
    head = _DATA_URL.match(text)
    start = head.end() if head else 0
    told = sniffed(decode(text[start : start + _HEAD]) or b"")
    return told or (head[1].lower() if head and head[1] else None)


def _looks_encoded(text: str, *, mixed: bool = False) -> bool:
    if _BASE64.fullmatch(text, 0, _SAMPLE) is None or _BASE64.fullmatch(text[-_SAMPLE:]) is None:
        return False
    return not mixed or all(some.search(text, 0, _SAMPLE) for some in _MIXED)
