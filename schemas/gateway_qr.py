"""Gateway: the QR code by which a phone takes a channel over, in every form in which it was seen (field notes §4)."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import model_validator

from schemas.gateway import CONNECTED_WORDS, Answer, first_text

QR_FIELDS: Final = ("qr", "qr_base64", "qrcode", "base64Qrimg", "base64", "image")
TEXT_FIELDS: Final = ("urlcode", "urlCode")
"""Where the engine names the text that its image shows (wppconnect `catchQR`)."""
QR_CONTAINERS: Final = ("data", "result")

_IMAGE_TYPES: Final = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
_PAIRING_TEXT: Final = re.compile(r"(https?://\S+#)?\d@[!-~]{20,2000}", re.ASCII)
"""What a phone reads from the code: `2@` and keys, alone or behind an address."""
_MAX_DEPTH: Final = 4
_MIN_BARE_BASE64: Final = 32  # shorter, it may be a word: `data` and `result` hold those too


class QrCode(Answer):
    """The answer of `GET /api/channels/:id/qr`: a code, or none yet, or none because the channel is connected.

    A code is an `image` (base64 without a `data:` prefix), the `text` that such an image shows, or both.
    """

    image: str | None = None
    mime_type: str | None = None
    text: str | None = None
    status: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, answer: Any) -> Any:
        if not isinstance(answer, Mapping):
            return answer
        status = first_text(answer, "status", "state")
        image, mime_type = next(_images(answer, _MAX_DEPTH), (None, None))
        return {
            **answer,
            "image": image,
            "mime_type": mime_type,
            "text": next(_texts(answer, _MAX_DEPTH), None),
            "status": status.lower() if status else None,
        }

    @property
    def is_ready(self) -> bool:
        """Whether there is a code to scan."""
        return self.image is not None or self.text is not None

    @property
    def is_connected(self) -> bool:
        """Whether no code is needed, because the channel is up."""
        return not self.is_ready and self.status in CONNECTED_WORDS


def _images(answer: Mapping[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    """The images under the known names, those of this level before the nested ones: base64 and type."""
    values = [answer.get(key) for key in (*QR_FIELDS, *QR_CONTAINERS)]
    for value in values:
        if isinstance(value, str) and (image := _image(value)):
            yield image
    for value in values:
        if isinstance(value, Mapping) and depth:
            yield from _images(value, depth - 1)


def _texts(answer: Mapping[str, Any], depth: int) -> Iterator[str]:
    """The texts of codes, in the same order."""
    values = [answer.get(key) for key in (*TEXT_FIELDS, *QR_FIELDS, *QR_CONTAINERS)]
    for value in values:
        if isinstance(value, str) and _PAIRING_TEXT.fullmatch(value.strip()):
            yield value.strip()
    for value in values:
        if isinstance(value, Mapping) and depth:
            yield from _texts(value, depth - 1)


def _image(value: str) -> tuple[str, str] | None:
    """Base64 and type of an image given as base64 or as a `data:` URL; None for any other text."""
    prefix, comma, rest = value.strip().partition(",")
    is_url = bool(comma) and prefix.lower().startswith("data:")
    encoded = "".join((rest if is_url else value).split())
    encoded += "=" * (-len(encoded) % 4)
    try:
        data = b64decode(encoded, validate=True)
    except ValueError:
        return None
    declared = prefix[len("data:") :].partition(";")[0].lower() if is_url else ""
    recognised = next((mime_type for start, mime_type in _IMAGE_TYPES if data.startswith(start)), None)
    if recognised or declared.startswith("image/"):
        return encoded, recognised or declared
    return (encoded, "image/png") if not is_url and len(encoded) >= _MIN_BARE_BASE64 else None


__all__ = ["QrCode"]
