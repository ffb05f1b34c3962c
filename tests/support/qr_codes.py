"""Reads QR codes as a phone's camera does: from pixels."""

from io import BytesIO

import zxingcpp
from PIL import Image

_HALVES = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
_DOTS = 4
_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def read_png(png: bytes) -> str | None:
    """The text of the code in an image."""
    with Image.open(BytesIO(png)) as opened:
        return _read(opened.convert("L"))


def read_terminal(shown: str) -> str | None:
    """The text of the last code that was drawn among what a terminal shows; None where none was."""
    drawn: list[str] = []
    for line in reversed(shown.splitlines()):
        if line.strip() and set(line) <= _HALVES.keys():
            drawn.insert(0, line)
        elif drawn:
            break
    if not drawn:
        return None
    rows = [[_HALVES[block][half] for block in line] for line in drawn for half in (0, 1)]
    pixels = bytes(255 * light for row in rows for light in row)
    small = Image.frombytes("L", (len(rows[0]), len(rows)), pixels)
    return _read(small.resize((small.width * _DOTS, small.height * _DOTS), Image.Resampling.NEAREST))


def _read(image: Image.Image) -> str | None:
    found = zxingcpp.read_barcodes(image, formats=_QR)
    return found[0].text if found else None
