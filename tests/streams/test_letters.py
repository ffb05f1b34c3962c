"""What a dead letter is called, and what a redriven record is believed to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Coordinates
from streams.letters import LetterId, Round, failed, origin_of

FIRST = Coordinates("raw.event", 3, 7)
LATER = Coordinates("raw.event", 3, 57)
LETTER = LetterId("normalizer", FIRST)


@given(
    st.from_regex(r"[a-z.]{1,20}", fullmatch=True),
    st.integers(0, 10**9 - 1),
    st.integers(0, 10**18 - 1),
    st.integers(1, 1_000_000),
)
def test_what_is_written_reads_back(topic: str, partition: int, offset: int, number: int) -> None:
    letter = LetterId("router", Coordinates(topic, partition, offset))

    assert LetterId.parse(str(letter)) == letter
    assert Round.parse(str(Round(letter, number))) == Round(letter, number)


@pytest.mark.parametrize(
    "text",
    ["", "router", "router:raw.event/3", ":raw.event/3@7", "a b:raw.event/3@7", "x:raw.event/3@-7", "\N{DIGIT ONE}"],
)
def test_what_is_no_letter_is_none(text: str) -> None:
    assert LetterId.parse(text) is None
    assert Round.parse(f"{text}#1") is None


@pytest.mark.parametrize("number", ["0", "", "-1", "1000001", "99999999999", "x"])
def test_a_round_is_a_number_from_1_on(number: str) -> None:
    assert Round.parse(f"{LETTER}#{number}") is None


def test_a_first_failure_is_round_0_of_a_letter_of_its_own() -> None:
    assert failed("normalizer", FIRST, None) == Round(LETTER, 0)


def test_a_redriven_record_that_fails_again_at_its_stage_is_the_same_letter() -> None:
    assert failed("normalizer", LATER, f"{LETTER}#2") == Round(LETTER, 2)


@pytest.mark.parametrize(
    ("stage", "source", "redrive"),
    [
        ("router", Coordinates("event.normalized", 3, 9), f"{LETTER}#1"),  # it came further than before
        ("quarantine", LATER, f"{LETTER}#1"),  # another stage that reads the same topic
        ("normalizer", Coordinates("raw.event", 4, 57), f"{LETTER}#1"),  # somebody else's claim
        ("normalizer", Coordinates("raw.event", 3, 6), f"{LETTER}#1"),  # before its own first record
        ("normalizer", LATER, "nonsense"),
    ],
)
def test_what_is_no_redrive_of_the_stages_own_letter_is_a_letter_of_its_own(
    stage: str, source: Coordinates, redrive: str
) -> None:
    assert failed(stage, source, redrive) == Round(LetterId(stage, source), 0)


def test_an_origin_is_believed_where_it_lies_before_the_record_in_its_partition() -> None:
    assert origin_of(LATER, str(FIRST)) == FIRST
    for told in ("", "nonsense", "raw.event/4@7", "raw.webhook/3@7", "raw.event/3@57", "raw.event/3@99"):
        assert origin_of(LATER, told) == LATER
