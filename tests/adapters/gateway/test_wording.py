"""What the gateway said is short, on one line, and holds no secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.gateway.wording import MAX_SAID, is_html, json_object, sanitized, words


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"success":false,"error":"Canal n\xc3\xa3o encontrado"}', "Canal não encontrado"),
        (b'{"error":{"message":"inner","detail":"more"}}', "inner | more"),
        (b'{"status":"Disconnected","message":"down","response":null}', "down | Disconnected"),
        (b'{"errors":[{"message":"to"},{"message":"text"}]}', "to | text"),
        (b'{"success":false}', ""),
        (b"<html><head><title>504 Gateway Time-out</title></head><body>x</body></html>", "504 Gateway Time-out"),
        (b"<html><body><h1>Bad</h1> gateway</body></html>", "Bad gateway"),
        (b"plain words", "plain words"),
        (b"\xff\xfe not utf-8", "\ufffd\ufffd not utf-8"),
        (b"", ""),
    ],
)
def test_the_telling_part_of_an_answer_is_found(body: bytes, said: str) -> None:
    assert sanitized(words(json_object(body), body)) == said


def test_secrets_are_replaced_and_phones_masked() -> None:
    text = "secret s3cr3t was wrong for 5547999990001@c.us, code 12345"
    assert sanitized(text, ("s3cr3t", "")) == "secret *** was wrong for 5547***01@c.us, code 12345"


def test_control_characters_become_spaces() -> None:
    assert sanitized("a\r\nb\x00\x1b[31mc\u2028d") == "a b [31mc d"


@given(text=st.text(), secret=st.text(min_size=1))
def test_what_is_said_is_bounded_and_printable(text: str, secret: str) -> None:
    said = sanitized(text * 50, (secret,))
    assert len(said) <= MAX_SAID
    assert said.isprintable()


@pytest.mark.parametrize("body", [b"[1]", b"1", b"null", b"{", b"[" * 100_000, b"\xff", b""])
def test_only_an_object_is_a_json_answer(body: bytes) -> None:
    assert json_object(body) is None


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/html; charset=utf-8", b"", True),
        ("", b"  <!DOCTYPE html><html>", True),
        ("application/json", b"<HTML>", True),
        ("application/json", b"{}", False),
        ("text/plain", b"less < more", False),
    ],
)
def test_a_page_is_told_by_its_type_or_its_start(content_type: str, body: bytes, expected: bool) -> None:
    assert is_html(content_type, body) is expected
