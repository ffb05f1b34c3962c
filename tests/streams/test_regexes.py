import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import regexes


@pytest.mark.parametrize(
    "pattern",
    [
        "pix",
        r"(?i)\b(boleto|fatura|pix)\b",
        r"^55(47|48)9\d{8}$",
        r"^[A-Z]{2}\d+$",
        r"segunda.*via",
        r"\d{3}\.\d{3}\.\d{3}-\d{2}",
        r"^\s*(?:sim|não)[.!]?\s*$",
        r"(?<=R\$ )\d+",
        r"(?:ab|cd){3}",
        "",
    ],
)
def test_an_ordinary_expression_is_taken(pattern: str) -> None:
    found = regexes.search(pattern)
    for subject in ("segunda via do boleto", "5547999990001", "SC123", "sim", "abcdab", ""):
        assert found(subject) == bool(re.search(pattern, subject))


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"(a|aa)+$",
        r"(\w*\s?)*x",
        r"(a{1,8}){1,8}$",
        r".*a.*b.*c",
        r"a?" * 30 + "a" * 30,
        r"(a)\1*",
        r"(?:(?:a|b|ab){50}){50}c",
        r"a{0,400}a{0,400}b",
    ],
)
def test_one_that_could_take_too_long_is_refused(pattern: str) -> None:
    with pytest.raises(regexes.RegexError, match="too long"):
        regexes.search(pattern)


@pytest.mark.parametrize("pattern", ["(", "[", "*a", "(?P<n>a)(?P<n>b)", "a{99999999999}", "[[a]", "\\"])
def test_one_that_does_not_compile_is_refused(pattern: str) -> None:
    with pytest.raises(regexes.RegexError, match="not a regular expression"):
        regexes.search(pattern)


def test_a_long_expression_is_refused() -> None:
    with pytest.raises(regexes.RegexError, match="longer than 200"):
        regexes.search("a" * 201)


def test_only_the_beginning_of_a_long_text_is_searched() -> None:
    found = regexes.search("pix")
    assert found("." * (regexes.MAX_SUBJECT - 3) + "pix")
    assert not found("." * (regexes.MAX_SUBJECT - 2) + "pix")


@given(pattern=st.text(alphabet="ab.*+?(){}[]|^$\\d,0123", max_size=12), subject=st.text(alphabet="ab1", max_size=30))
def test_it_finds_what_the_standard_library_finds(pattern: str, subject: str) -> None:
    try:
        found = regexes.search(pattern)
    except regexes.RegexError:
        return
    assert found(subject) == bool(re.search(pattern, subject))
