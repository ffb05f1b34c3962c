import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sending.contents import Content, Contents, likeness
from tests.streams.sending.world import command


@pytest.mark.parametrize(
    "shown",
    [
        "Olá, Ana\nsua fatura",
        "Olá, Ana\r\nsua fatura",
        "Olá, Ana\rsua fatura",
        "Olá, Ana  \nsua fatura \n\n",
        "\n  Olá, Ana\nsua fatura",
        unicodedata.normalize("NFD", "Olá, Ana\nsua fatura"),
        "Olá, Ana\u2028sua fatura",
    ],
)
def test_what_whatsapp_does_to_a_text_does_not_make_it_another(shown: str) -> None:
    assert likeness(shown) == likeness("Olá, Ana\nsua fatura")


@pytest.mark.parametrize("other", ["Olá, Ana sua fatura", "olá, Ana\nsua fatura", "Olá, Ana\n\nsua fatura", ""])
def test_another_text_is_another(other: str) -> None:
    assert likeness(other) != likeness("Olá, Ana\nsua fatura")


@given(st.text(), st.sampled_from(["NFC", "NFD"]), st.text(alphabet=" \t\r\n", max_size=3))
def test_any_text_is_like_itself_in_either_form_with_any_blanks_around(text: str, form: str, around: str) -> None:
    assert likeness(around + unicodedata.normalize(form, text) + around) == likeness(text)  # type: ignore[arg-type]


def test_a_text_cut_far_behind_is_like_the_whole() -> None:
    assert likeness("a " * 40_000) == likeness(("a " * 40_000)[:65_536])


def test_commands_are_found_by_channel_and_likeness_until_they_are_dropped() -> None:
    contents = Contents()
    contents.put(b"1", Content.of(command(text="oi")))
    contents.put(b"2", Content.of(command(text="oi ", contact="554799990002")))
    contents.put(b"3", Content.of(command(text="oi", channel="outro")))
    contents.put(b"4", Content.of(command(text="tchau")))
    assert list(contents.alike("canalum", likeness("oi"))) == [(b"1", "554799990001"), (b"2", "554799990002")]
    contents.drop(b"1")
    contents.drop(b"1")
    assert list(contents.alike("canalum", likeness("oi"))) == [(b"2", "554799990002")]
    contents.drop(b"2")
    assert list(contents.alike("canalum", likeness("oi"))) == []
