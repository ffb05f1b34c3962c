"""QR codes of channels: read from whatever the gateway gave, drawn for a terminal or as a PNG."""

from base64 import b64decode
from io import BytesIO, StringIO
from typing import Final

import segno
import zxingcpp
from PIL import Image, UnidentifiedImageError

from schemas.gateway_qr import QrCode

MOST_PIXELS: Final = 1_000_000
"""A larger image is no QR code: it is not unpacked."""

_DOTS: Final = 8  # pixels of the PNG a module
_MARGIN: Final = 4  # modules, as the standard wants
_TERMINAL_MARGIN: Final = 2  # modules: what phones need, for a window of 80 by 40
_QR: Final = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def text_of(code: QrCode) -> str | None:
    """What a phone would read from the gateway's answer; None where there is nothing in it that one could read."""
    return code.text or (_read(b64decode(code.image)) if code.image else None)


def png(text: str) -> bytes:
    """The code as a PNG."""
    out = BytesIO()
    _code(text).save(out, kind="png", scale=_DOTS, border=_MARGIN)
    return out.getvalue()


def in_terminal(text: str) -> str:
    """The code in lines of half blocks, light on the dark ground of a terminal."""
    out = StringIO()
    _code(text).terminal(out, border=_TERMINAL_MARGIN, compact=True)
    return out.getvalue()


def _code(text: str) -> segno.QRCode:
    return segno.make_qr(text, error="l", boost_error=False)  # the smallest one: terminals are narrow


def _read(image: bytes) -> str | None:
    try:
        with Image.open(BytesIO(image)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None
            found = zxingcpp.read_barcodes(opened.convert("L"), formats=_QR)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None  # a torn image: PIL has no root for its errors
    return found[0].text if found else None


__all__ = ["MOST_PIXELS", "in_terminal", "png", "text_of"]
