"""Dead letters, found in MySQL: by name, by filter, each with its history."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import msgspec

from adapters.mysql.errors import DatabaseError
from adapters.mysql.pool import Database, Row
from infra.database import database
from infra.dead_letters.filters import Filter, LetterError, NoLetterError, condition_of
from infra.settings import Settings
from schemas.events import Coordinates
from streams import topics
from streams.letters import LetterId
from streams.redriving import refusal

_PAGE: Final = 500


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a letter's history. `record` is where the record lay that failed, or was written again."""

    round: int
    what: str
    at: datetime
    error_class: str | None
    error_message: str | None
    actor: str | None
    reason: str | None
    record: str | None


class FoundLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One letter; `error_class` and `error_message` say why it failed last. `cannot_be_redriven` says why not."""

    id: str
    state: str
    stage: str
    error_class: str
    error_message: str
    source: str
    letter: str
    round: int
    failures: int
    trace_id: str | None
    tenant_id: int | None
    channel: str | None
    created_at: datetime
    failed_at: datetime
    redriven_at: datetime | None
    original_bytes: int
    cannot_be_redriven: str | None
    history: Sequence[Happening] = ()

    @property
    def name(self) -> LetterId:
        """Its name, of which `id` is the text."""
        found = LetterId.parse(self.id)
        if found is None:
            raise LetterError(f"The dead letter {self.id!r} has a name that nobody can read.")
        return found

    @property
    def place(self) -> Coordinates:
        """Where it lies on dead.letter."""
        found = Coordinates.parse(self.letter)
        if found is None:
            raise LetterError(f"The dead letter {self.id!r} lies nowhere.")
        return found


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Letters of one kind."""

    stage: str
    source_topic: str
    error_class: str
    letters: int
    first_failed_at: datetime
    last_failed_at: datetime
    cannot_be_redriven: str | None


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database; LetterError where it does not answer."""
    db = database(settings, connections=2)
    try:
        yield db
    except DatabaseError as error:
        raise LetterError(f"Dead letters cannot be read from MySQL: {error}; `posto doctor` says what to do.") from None
    finally:
        await db.close()


async def listed(db: Database, wanted: Filter, limit: int) -> list[FoundLetter]:
    """Those that failed last come first."""
    condition, values = condition_of(wanted)
    rows = await db.fetch(
        f"{_SELECT} WHERE {condition} ORDER BY letter.failed_at DESC, letter.letter_partition, letter.letter_offset "
        "LIMIT %s",
        (*values, limit),
    )
    return [letter_of(row) for row in rows]


async def groups(db: Database, wanted: Filter) -> list[Group]:
    """How many there are of each kind, the most first; LetterError for a name that names none."""
    await _check_names(db, wanted)
    condition, values = condition_of(wanted)
    rows = await db.fetch(
        "SELECT letter.stage, letter.source_topic, letter.error_class, letter.original_bytes > 0 AS has_bytes, "  # noqa: S608
        "COUNT(*) AS letters, MIN(letter.failed_at) AS first_at, MAX(letter.failed_at) AS last_at "
        f"FROM dead_letters AS letter WHERE {condition} "
        "GROUP BY letter.stage, letter.source_topic, letter.error_class, has_bytes "
        "ORDER BY letters DESC, letter.stage, letter.source_topic, letter.error_class",
        values,
    )
    return [
        Group(
            stage=row["stage"],
            source_topic=row["source_topic"],
            error_class=row["error_class"],
            letters=row["letters"],
            first_failed_at=_utc(row["first_at"]),
            last_failed_at=_utc(row["last_at"]),
            cannot_be_redriven=refusal(row["source_topic"], has_bytes=bool(row["has_bytes"])),
        )
        for row in rows
    ]


async def each(db: Database, wanted: Filter) -> AsyncIterator[list[FoundLetter]]:
    """All that are there now, in the order in which they died, page by page; none twice, whatever becomes of them."""
    condition, values = condition_of(wanted)
    ends = await db.fetch(
        "SELECT letter.letter_partition AS number, MAX(letter.letter_offset) AS last FROM dead_letters AS letter "  # noqa: S608
        f"WHERE {condition} GROUP BY letter.letter_partition ORDER BY letter.letter_partition",
        values,
    )
    for end in ends:
        after = -1
        while after < end["last"]:
            rows = await db.fetch(
                f"{_SELECT} WHERE {condition} AND letter.letter_partition = %s AND letter.letter_offset > %s "
                "AND letter.letter_offset <= %s ORDER BY letter.letter_offset LIMIT %s",
                (*values, end["number"], after, end["last"], _PAGE),
            )
            if not rows:
                break
            after = rows[-1]["letter_offset"]
            yield [letter_of(row) for row in rows]


async def one(db: Database, name: str) -> FoundLetter:
    """One letter with its history; LetterError where there is none, or several."""
    wanted = Filter(names=(name,), state="all")
    found = await listed(db, wanted, 2)
    if len(found) != 1:
        problem = "names several dead letters: say the stage too, as" if found else "names no dead letter, as"
        example = found[0].id if found else "normalizer:raw.webhook/3@17"
        kind = LetterError if found else NoLetterError
        raise kind(f"{name!r} {problem} {example} does; `posto dead-letters list` shows their names.")
    return msgspec.structs.replace(found[0], history=await history(db, found[0].name))


async def history(db: Database, name: LetterId) -> list[Happening]:
    """What became of a letter, round by round."""
    source = name.source
    rows = await db.fetch(_HISTORY, (name.stage, source.topic, source.partition, source.offset))
    return [
        Happening(
            round=row["round"],
            what=row["what"],
            at=_utc(row["at"]),
            error_class=row["error_class"],
            error_message=row["error_message"],
            actor=row["actor"],
            reason=row["reason"],
            record=row["record"],
        )
        for row in rows
    ]


async def original(db: Database, letter: FoundLetter) -> bytes | None:
    """The bytes that MySQL keeps of a letter: the first million; None where there never were any."""
    source = letter.name.source
    rows = await db.fetch(_ORIGINAL, (letter.stage, source.topic, source.partition, source.offset))
    found: bytes | None = rows[0]["original"] if rows else None
    return found


async def _check_names(db: Database, wanted: Filter) -> None:
    for name in wanted.names:
        if not await listed(db, Filter(names=(name,), state="all"), 1):
            raise NoLetterError(f"There is no dead letter {name!r}; `posto dead-letters list` shows their names.")


def letter_of(row: Row) -> FoundLetter:
    """A row of `COLUMNS` as a letter."""
    source = Coordinates(row["source_topic"], row["source_partition"], row["source_offset"])
    redriven_at = row["redriven_at"]
    return FoundLetter(
        id=str(LetterId(row["stage"], source)),
        state=row["state"],
        stage=row["stage"],
        error_class=row["error_class"] or "",
        error_message=row["error_message"] or "",
        source=str(source),
        letter=str(Coordinates(topics.DEAD_LETTER, row["letter_partition"], row["letter_offset"])),
        round=row["round"],
        failures=row["failures"],
        trace_id=row["trace_id"],
        tenant_id=row["tenant_id"],
        channel=row["channel_id"],
        created_at=_utc(row["created_at"]),
        failed_at=_utc(row["failed_at"] or row["created_at"]),
        redriven_at=_utc(redriven_at) if redriven_at else None,
        original_bytes=row["original_bytes"],
        cannot_be_redriven=refusal(source.topic, has_bytes=bool(row["original_bytes"])),
    )


def _utc(naive: datetime) -> datetime:
    return naive.replace(tzinfo=UTC)


COLUMNS: Final = (
    *("stage", "source_topic", "source_partition", "source_offset", "letter_partition", "letter_offset", "state"),
    *("round", "failures", "error_class", "error_message", "trace_id", "tenant_id", "channel_id", "created_at"),
    *("failed_at", "redriven_at", "original_bytes"),
)
_SELECT: Final = f"SELECT {', '.join(f'letter.{name}' for name in COLUMNS)} FROM dead_letters AS letter"  # noqa: S608
_OF_LETTER: Final = "stage = %s AND source_topic = %s AND source_partition = %s AND source_offset = %s"
_HISTORY: Final = (
    f"SELECT * FROM dead_letter_history WHERE {_OF_LETTER} "  # noqa: S608
    "ORDER BY round, FIELD(what, 'redriven', 'failed', 'discarded')"
)
_ORIGINAL: Final = f"SELECT original FROM dead_letters WHERE {_OF_LETTER}"  # noqa: S608
