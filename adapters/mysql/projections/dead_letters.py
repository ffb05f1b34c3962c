"""`dead_letters`: what could not be processed, by which stage, why, and its bytes.

From dead.letter. A letter that is itself odd is still shown: nothing here may fail on what a record holds.
"""

from base64 import b64encode
from typing import Final

from adapters.mysql.records import Records, SourceRecord, moment
from adapters.mysql.statements import BYTES, INTEGER, TEXT, TIME, Row, cut, json, time, upsert
from adapters.mysql.steps import Write
from schemas import headers as names

KEPT_BYTES: Final = 1_000_000
"""So many of the original bytes are kept here; the rest lies in Kafka, at `letter_partition` and `letter_offset`."""

_LONGEST_HEADER: Final = 4_000
_MOST_HEADERS: Final = 100
_UNKNOWN: Final = "unknown"


def rows(records: Records) -> list[Row]:
    """One row a letter."""
    return [_row(record) for record in records.letters]


def _row(record: SourceRecord) -> Row:
    headers = {name: value.decode(errors="replace") for name, value in record.headers if value is not None}
    topic, partition, offset = _source(record, headers)
    original = record.value or b""
    return {
        "stage": cut(headers.get(names.STAGE) or _UNKNOWN, 50),
        "source_topic": topic,
        "source_partition": partition,
        "source_offset": offset,
        "letter_partition": record.partition,
        "letter_offset": record.offset,
        "error_class": cut(headers.get(names.ERROR_CLASS) or _UNKNOWN, 191),
        "error_message": cut(headers.get(names.ERROR_MESSAGE) or "", 2_000),
        "trace_id": cut(headers.get(names.TRACE_ID), 255),
        "created_at": time(moment(record.timestamp)),
        "original_bytes": len(original),
        "headers": json({name: cut(text, _LONGEST_HEADER) for name, text in list(headers.items())[:_MOST_HEADERS]}),
        "original": None if record.value is None else b64encode(original[:KEPT_BYTES]).decode(),
    }


def _source(record: SourceRecord, headers: dict[str, str]) -> tuple[str, int, int]:
    """Where the record came from; the letter's own coordinates where its headers do not say."""
    topic = headers.get(names.SOURCE_TOPIC)
    partition = _number(headers.get(names.SOURCE_PARTITION), 2**31)
    offset = _number(headers.get(names.SOURCE_OFFSET), 2**63)
    if not topic or len(topic) > 249 or partition is None or offset is None:
        return record.topic, record.partition, record.offset
    return topic, partition, offset


def _number(text: str | None, below: int) -> int | None:
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 19:
        return None
    number = int(text)
    return number if number < below else None


STEPS: Final = (
    Write(
        rows,
        upsert(
            "dead_letters",
            {
                "stage": TEXT,
                "source_topic": TEXT,
                "source_partition": INTEGER,
                "source_offset": INTEGER,
                "letter_partition": INTEGER,
                "letter_offset": INTEGER,
                "error_class": TEXT,
                "error_message": TEXT,
                "trace_id": TEXT,
                "created_at": TIME,
                "original_bytes": INTEGER,
                "headers": TEXT,
                "original": BYTES,
            },
            {"stage": "old.stage"},  # the same record at the same stage: the first letter stands
        ),
    ),
)
