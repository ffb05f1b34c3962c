"""What a dead letter is called, and in which round it is: round 0 is its first failure, each redrive begins another.

A letter is known by the stage that gave up and by the place of the record that it gave up on. A record that is redriven
says in a header which round of which letter it is; so whatever becomes of it, however often it was written, is known
for what it is.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple, Self

from schemas import headers as names
from schemas.events import Coordinates
from streams.records import Record

MOST_ROUNDS: Final = 1_000_000
UNKNOWN: Final = "unknown"

_LONGEST_STAGE: Final = 50
_PLACE: Final = (names.SOURCE_TOPIC, names.SOURCE_PARTITION, names.SOURCE_OFFSET)

_LETTER: Final = re.compile(r"([A-Za-z0-9_.-]{1,50}):([^:#]+)")
_ROUND: Final = re.compile(r"([^#]{1,400})#([0-9]{1,7})")


class LetterId(NamedTuple):
    """Which dead letter: the stage, and where the record lies that it gave up on first."""

    stage: str
    source: Coordinates

    def __str__(self) -> str:
        return f"{self.stage}:{self.source}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what `str` writes; None for anything else."""
        match = _LETTER.fullmatch(text)
        source = Coordinates.parse(match[2]) if match else None
        return cls(match[1], source) if match and source else None


class Round(NamedTuple):
    """One failure or redrive of a letter."""

    letter: LetterId
    number: int

    def __str__(self) -> str:
        return f"{self.letter}#{self.number}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what `str` writes; None for anything else."""
        match = _ROUND.fullmatch(text)
        letter = LetterId.parse(match[1]) if match else None
        number = int(match[2]) if match else 0
        return cls(letter, number) if letter and 0 < number <= MOST_ROUNDS else None


class Letter(NamedTuple):
    """A record of dead.letter: its headers as texts, where the record lay that a stage gave up on, and the round."""

    record: Record
    headers: dict[str, str]
    source: Coordinates
    round: Round

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read one, whatever it holds: where its headers do not say where it came from, it came from nowhere else."""
        headers = {name: value.decode(errors="replace") for name, value in record.headers if value is not None}
        told = "{}/{}@{}".format(*(headers.get(name) for name in _PLACE))
        source = Coordinates.parse(told) or Coordinates(record.topic, record.partition, record.offset)
        stage = (headers.get(names.STAGE) or UNKNOWN)[:_LONGEST_STAGE]
        return cls(record, headers, source, failed(stage, source, headers.get(names.REDRIVE)))


def failed(stage: str, source: Coordinates, redrive: str | None) -> Round:
    """The round in which a stage gave up on the record at `source`, whose header `redrive` says what it was.

    A record that was redriven fails in its own round where the same stage gives up on it; another stage's letter is a
    new one. What cannot be, as where somebody else wrote the header, counts as no redrive.
    """
    said = Round.parse(redrive) if redrive else None
    if said is not None and said.letter.stage == stage and _can_follow(source, said.letter.source):
        return said
    return Round(LetterId(stage, source), 0)


def first_place(source: Coordinates, headers: Mapping[str, bytes]) -> Coordinates:
    """Where the record at `source` first lay: of a redriven one where its header `origin` says, if that can be."""
    redrive, origin = headers.get(names.REDRIVE), headers.get(names.ORIGIN)
    if redrive is None or origin is None or Round.parse(redrive.decode(errors="replace")) is None:
        return source
    return origin_of(source, origin.decode(errors="replace"))


def origin_of(source: Coordinates, told: str) -> Coordinates:
    """Where the record at `source` first lay, as its header `origin` tells.

    A redriven raw record lies behind the first one in the same partition; whatever else stands there is not believed.
    """
    first = Coordinates.parse(told)
    return first if first is not None and _can_follow(source, first) else source


def _can_follow(source: Coordinates, first: Coordinates) -> bool:
    return (source.topic, source.partition) == (first.topic, first.partition) and first.offset < source.offset
