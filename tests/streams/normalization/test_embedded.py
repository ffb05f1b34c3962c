"""Base64 in a text field: told from what a person writes, and decoded however it is spelled."""

import base64
from timeit import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.normalization import embedded

OGG = b"OggS\x00\x02" + bytes(range(256)) * 8
SPELLED = base64.b64encode(OGG).decode()


@pytest.mark.parametrize(
    "spelled",
    [
        SPELLED,
        SPELLED.rstrip("="),
        f"data:audio/ogg; codecs=opus;base64,{SPELLED}",
        f"data:;base64,{SPELLED}",
        base64.encodebytes(OGG).decode(),
        SPELLED.replace("A", "A\r\n"),
        base64.urlsafe_b64encode(OGG).decode(),
        base64.urlsafe_b64encode(OGG).decode().rstrip("=") + "\n",
    ],
)
def test_every_spelling_of_base64_is_seen_and_decoded(spelled: str) -> None:
    assert embedded.is_bytes(spelled, in_media=False)
    assert embedded.media_type(spelled) == "audio/ogg"
    assert embedded.decode(spelled) == OGG


@pytest.mark.parametrize(
    "broken",
    ["", "=", "A", SPELLED[:-3], SPELLED[:500] + "*" + SPELLED[501:], "\u0661" * 400, "data:a/b;base64,", "a=b="],
)
def test_what_is_no_base64_or_was_cut_decodes_to_nothing(broken: str) -> None:
    assert embedded.decode(broken) is None


@pytest.mark.parametrize(
    "written",
    [
        "oi",
        "k" * 2000,
        "K" * 1000 + "k" * 1000,
        "https://example.com/" + "a1B2" * 500,
        "Bom dia " * 300,
        "1234567890" * 150,
        "/9j/",
        "SUQz",
        "data:image/png;base64 foi o que veio",
        "a1B2" * 249,
    ],
)
def test_what_a_person_writes_is_a_text(written: str) -> None:
    assert not embedded.is_bytes(written, in_media=False)


def test_in_a_message_of_a_file_fewer_letters_are_enough() -> None:
    assert embedded.is_bytes("a1B2" * 25, in_media=True)
    assert not embedded.is_bytes("a1B2" * 24, in_media=True)
    assert embedded.is_bytes("/9j/4AAQ", in_media=True)
    assert not embedded.is_bytes("k" * 200, in_media=True)


@given(st.binary(min_size=1, max_size=200))
def test_what_was_encoded_comes_back(data: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes):
        assert embedded.decode(encode(data).decode()) == data


@given(st.text())
def test_any_text_decodes_to_bytes_or_nothing(text: str) -> None:
    embedded.is_bytes(text, in_media=True)
    embedded.media_type(text)
    assert embedded.decode(text) != b""


def test_the_head_of_a_data_url_that_never_ends_costs_no_more_than_a_look() -> None:
    endless = "data:a/" + "a" * 2_000_000

    look = min(repeat(lambda: embedded.is_bytes(endless, in_media=False), number=1, repeat=3))
    copy = min(repeat(endless.encode, number=1, repeat=3))

    assert look < 50 * copy
