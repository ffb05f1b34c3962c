"""QR codes are read back as a phone reads them, from the gateway's images and from our drawings."""

import zlib
from base64 import b64decode, b64encode
from io import BytesIO

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from infra import qr_codes
from schemas.gateway_qr import QrCode
from tests.support.qr_codes import read_png, read_terminal

TEXT = "2@AbCdEf,GhIj==," + "x/Y+" * 50
pairing_texts = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=20, max_size=400).map("2@".__add__)


def image(kind: str, **options: int | str) -> str:
    """A code as the gateway draws it, base64."""
    out = BytesIO()
    segno.make_qr(TEXT).save(out, kind="png", scale=4)
    if kind != "png":
        with Image.open(BytesIO(out.getvalue())) as opened:
            out = BytesIO()
            opened.convert("RGB").save(out, kind, **options)
    return b64encode(out.getvalue()).decode()


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif"])
def test_the_code_in_an_image_is_read(kind: str) -> None:
    assert qr_codes.text_of(QrCode.model_validate({"qr": image(kind)})) == TEXT


def test_a_text_needs_no_reading() -> None:
    assert qr_codes.text_of(QrCode.model_validate({"qr": TEXT})) == TEXT


def test_an_image_without_a_code_is_no_code() -> None:
    blank = BytesIO()
    Image.new("L", (200, 200), 255).save(blank, "png")
    torn = b64encode(blank.getvalue()[:60]).decode()
    for encoded in (b64encode(blank.getvalue()).decode(), torn, b64encode(b"\x89PNG" + bytes(40)).decode()):
        assert qr_codes.text_of(QrCode.model_validate({"qr": encoded})) is None


def test_an_image_that_unpacks_to_gigabytes_is_not_unpacked() -> None:
    header = BytesIO()
    Image.new("L", (1, 1)).save(header, "png")
    ihdr = b"IHDR" + (30_000).to_bytes(4) * 2 + bytes([8, 0, 0, 0, 0])
    bomb = header.getvalue()[:12] + ihdr + zlib.crc32(ihdr).to_bytes(4) + header.getvalue()[33:]
    assert qr_codes.text_of(QrCode.model_validate({"qr": b64encode(bomb).decode()})) is None


def test_an_image_larger_than_any_code_is_not_unpacked() -> None:
    with Image.open(BytesIO(b64decode(image("png")))) as small:
        large = BytesIO()
        small.resize((1_001, 1_000)).save(large, "png")
    assert qr_codes.text_of(QrCode.model_validate({"qr": b64encode(large.getvalue()).decode()})) is None


@given(pairing_texts)
def test_what_is_drawn_is_read_back(text: str) -> None:
    assert read_terminal(qr_codes.in_terminal(text)) == text
    assert read_png(qr_codes.png(text)) == text


def test_a_drawing_fits_a_common_terminal() -> None:
    lines = qr_codes.in_terminal(TEXT).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 40
