"""Contact cards without the bytes that may be encoded in them."""

import base64

import pytest

from streams.normalization import vcards

PHOTO = base64.b64encode(bytes(range(256)) * 4).decode()
FOLDED = "\r\n ".join(PHOTO[at : at + 74] for at in range(0, len(PHOTO), 74))
PLAIN_LINES = "\r\n".join(PHOTO[at : at + 74] for at in range(0, len(PHOTO), 74))
CARD = "BEGIN:VCARD\nVERSION:3.0\nFN:Fulano\nTEL;type=CELL;waid=5547999990001:+55 47 99999-0001\nEND:VCARD"


@pytest.mark.parametrize(
    "dropped",
    [
        f"PHOTO;ENCODING=b;TYPE=JPEG:{FOLDED}",
        f"PHOTO;BASE64:{FOLDED}\r\n",
        f"item1.PHOTO;TYPE=JPEG;ENCODING=BASE64:\r\n {FOLDED}",
        f"PHOTO;ENCODING=BASE64;JPEG:\r\n{PLAIN_LINES}\r\n",
        f"PHOTO:data:image/jpeg;base64,{PHOTO}",
        f"LOGO:{PHOTO}",
        f"X-ANYTHING:{FOLDED}",
        "SOUND;ENCODING=b:AAAA",
    ],
)
def test_a_property_of_bytes_is_dropped_with_all_its_lines(dropped: str) -> None:
    lines = CARD.split("\n")
    card = "\r\n".join([*lines[:3], *dropped.split("\r\n"), *lines[3:]])
    assert vcards.without_bytes(card) == CARD


def test_what_is_readable_stays() -> None:
    assert vcards.without_bytes(CARD) == CARD
    linked = CARD.replace("END:", "PHOTO;VALUE=uri:https://example.com/foto.jpg\nNOTE:dois\n  espaços\nEND:")
    assert vcards.without_bytes(linked) == linked.replace("\n  ", " ")


def test_a_card_is_bounded() -> None:
    assert len(vcards.without_bytes("BEGIN:VCARD\nNOTE:" + "nota " * 10_000)) == vcards.MAX_LENGTH
