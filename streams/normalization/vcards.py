"""Contact cards: the text, without the pictures and sounds that may be encoded in it."""

import re
from typing import Final

from streams.normalization import embedded

START: Final = "BEGIN:VCARD"
MAX_LENGTH: Final = 20_000
_LONGEST_HEAD: Final = 500

_FOLD: Final = re.compile(r"(?:\r\n|\r|\n)[ \t]")
_LINE: Final = re.compile(r"\r\n|\r|\n")
_PROPERTY: Final = re.compile(r"[A-Za-z0-9.\-]+(?:;[^:]*)?:")
_ENCODED: Final = re.compile(r";\s*(?:ENCODING=)?(?:B|BASE64)(?=[;:])|:data:[^,]*;base64,", re.IGNORECASE)


def without_bytes(card: str) -> str:
    """The card with its lines unfolded, without the properties whose value is encoded bytes."""
    kept: list[str] = []
    is_dropped = False
    for line in _LINE.split(_FOLD.sub("", card)):
        if _PROPERTY.match(line):
            is_dropped = _ENCODED.search(line[:_LONGEST_HEAD]) is not None or _is_bytes(line.partition(":")[2])
        if not is_dropped:
            kept.append(line)
    return "\n".join(kept)[:MAX_LENGTH]


def _is_bytes(value: str) -> bool:
    return embedded.is_bytes(value.strip(), in_media=True)
