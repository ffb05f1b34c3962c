"""`dead_letters` and `dead_letter_history`: what could not be processed and its bytes, and what became of it.

From dead.letter and audit.change. A letter that is itself odd is still shown: nothing here may fail on what a record
holds. A letter whose record was redriven and failed again at the same stage is the same letter, with a reason more.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from adapters.mysql.records import Done, Records, moment
from adapters.mysql.statements import INTEGER, TEXT, Row, binary, cut, first, json, over, time, upsert
from adapters.mysql.steps import Write
from schemas import headers as names
from schemas.audit import AuditAction
from streams.letter_owners import of
from streams.letters import MOST_ROUNDS, UNKNOWN, Letter, LetterId, Round

KEPT_BYTES: Final = 1_000_000
"""So many of the original bytes are kept here; the rest lies in Kafka, at `letter_partition` and `letter_offset`."""

FAILED: Final = "failed"
REDRIVEN: Final = "redriven"
DISCARDED: Final = "discarded"
"""What can become of a letter in one of its rounds, the weakest first but for `redriven`, which begins one."""

_ENDS: Final[Mapping[str, str]] = {
    AuditAction.DEAD_LETTER_REDRIVEN: REDRIVEN,
    AuditAction.DEAD_LETTER_DISCARDED: DISCARDED,
}
_LONGEST_HEADER: Final = 4_000
_LONGEST_REASON: Final = 2_000
_MOST_HEADERS: Final = 100


class Word(NamedTuple):
    """What somebody did to a letter, and in which round."""

    done: Done
    round: Round


def letters(records: Records) -> list[Row]:
    """One row a letter; of one that only an operator's word names, its name alone."""
    rows = [_letter(letter) for letter in map(Letter.of, records.letters)]
    return [*rows, *(_name(word.round.letter) for word in _words(records))]


def history(records: Records) -> list[Row]:
    """One row for each failure, redrive and discarding."""
    return [*(_failure(letter) for letter in map(Letter.of, records.letters)), *map(_act, _words(records))]


def touched(records: Records) -> list[Row]:
    """The letters of which something is new."""
    rounds = [*(letter.round for letter in map(Letter.of, records.letters)), *(word.round for word in _words(records))]
    return [_name(letter) for letter in sorted({one.letter for one in rounds}, key=str)]


def _words(records: Records) -> Iterable[Word]:
    """What was done to letters, as far as it can be read."""
    for done in records.changes:
        number = done.change.detail.get("round")
        letter = LetterId.parse(done.change.subject)
        if done.change.action in _ENDS and letter and type(number) is int and 0 <= number <= MOST_ROUNDS:
            yield Word(done, Round(letter, number))


def _letter(letter: Letter) -> Row:
    record, headers = letter.record, letter.headers
    original = record.value or b""
    about = of(letter)
    return _name(letter.round.letter) | {
        "letter_partition": record.partition,
        "letter_offset": record.offset,
        "trace_id": cut(about.trace_id, 255),
        "tenant_id": about.tenant_id,
        "channel_id": cut(about.channel, 255),
        "created_at": time(moment(record.timestamp)),
        "original_bytes": len(original),
        "headers": json({name: cut(text, _LONGEST_HEADER) for name, text in list(headers.items())[:_MOST_HEADERS]}),
        "original": None if record.value is None else binary(original[:KEPT_BYTES]),
    }


def _failure(letter: Letter) -> Row:
    return _name(letter.round.letter) | {
        "round": letter.round.number,
        "what": FAILED,
        "at": time(moment(letter.record.timestamp)),
        "error_class": cut(letter.headers.get(names.ERROR_CLASS) or UNKNOWN, 191),
        "error_message": cut(letter.headers.get(names.ERROR_MESSAGE) or "", _LONGEST_REASON),
        "record": str(letter.source),
    }


def _act(word: Word) -> Row:
    change = word.done.change
    return _name(word.round.letter) | {
        "round": word.round.number,
        "what": _ENDS[change.action],
        "at": time(change.at),
        "actor": cut(change.actor, 191),
        "reason": cut(change.reason, _LONGEST_REASON),
        "record": cut(change.detail.get("record"), 300),
    }


def _name(letter: LetterId) -> Row:
    source = letter.source
    return {
        "stage": letter.stage,
        "source_topic": source.topic,
        "source_partition": source.partition,
        "source_offset": source.offset,
    }


_NAME: Final = {
    "stage": TEXT,
    "source_topic": TEXT,
    "source_partition": INTEGER,
    "source_offset": INTEGER,
}
_CONTENT: Final = (
    "letter_partition",
    "letter_offset",
    "trace_id",
    "tenant_id",
    "channel_id",
    "created_at",
    "original_bytes",
    "headers",
)
_SAME: Final = " AND ".join(f"{{table}}.{name} = {{other}}.{name}" for name in _NAME)


def _of(table: str, other: str) -> str:
    return _SAME.format(table=table, other=other)


def _last(column: str, condition: str = "TRUE", order: str = "round DESC") -> str:
    """One column of the last part of a letter's history."""
    return (
        f"(SELECT past.{column} FROM dead_letter_history AS past WHERE {_of('past', 'letter')} "  # noqa: S608
        f"AND {condition} ORDER BY past.{order} LIMIT 1)"
    )


_STRENGTH: Final = f"FIELD(past.what, '{REDRIVEN}', '{FAILED}', '{DISCARDED}') DESC"
_HAS_FAILED: Final = f"past.what = '{FAILED}'"

_SETTLE: Final = over(
    _NAME,
    f"UPDATE {{rows}} STRAIGHT_JOIN dead_letters AS letter ON {_of('letter', 'new')} SET "  # noqa: S608
    f"letter.state = CASE {_last('what', order=f'round DESC, {_STRENGTH}')} "
    f"WHEN '{FAILED}' THEN 'open' WHEN '{DISCARDED}' THEN '{DISCARDED}' ELSE '{REDRIVEN}' END, "
    f"letter.round = {_last('round')}, "
    f"letter.failures = (SELECT COUNT(*) FROM dead_letter_history AS past "
    f"WHERE {_of('past', 'letter')} AND {_HAS_FAILED}), "
    f"letter.failed_at = {_last('at', _HAS_FAILED)}, "
    f"letter.error_class = {_last('error_class', _HAS_FAILED)}, "
    f"letter.error_message = {_last('error_message', _HAS_FAILED)}, "
    f"""letter.redriven_at = {_last("at", f"past.what = '{REDRIVEN}'")}""",
)

STEPS: Final = (
    Write(
        letters,
        upsert(
            "dead_letters",
            (*_NAME, *_CONTENT, "original"),
            first(*_CONTENT, "original"),
        ),
    ),
    Write(
        history,
        upsert(
            "dead_letter_history",
            (*_NAME, "round", "what", "at", "error_class", "error_message", "actor", "reason", "record"),
            {"at": "old.at"},  # what was said of a round first stands
        ),
    ),
    Write(touched, _SETTLE),
)
