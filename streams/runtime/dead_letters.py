"""The record that a stage leaves on `dead.letter` for what it could not process."""

from collections.abc import Sequence

from schemas import headers as names
from streams.runtime.fetched import Record
from streams.runtime.publisher import Out

_MESSAGE_LIMIT = 2_000  # characters of an error message that are kept


def dead_letter(stage: str, record: Record, error: BaseException) -> Out:
    """The dead letter of a record: its bytes as they came, its headers, and what went wrong where.

    Headers of an earlier dead letter give way to the new ones. A null value stays null. Time and key are told too, for
    whoever redrives it.
    """
    said = {
        names.STAGE: stage,
        names.ERROR_CLASS: type(error).__name__,
        names.ERROR_MESSAGE: str(error)[:_MESSAGE_LIMIT],
        names.SOURCE_TOPIC: record.topic,
        names.SOURCE_PARTITION: str(record.partition),
        names.SOURCE_OFFSET: str(record.offset),
        names.SOURCE_TIMESTAMP: str(record.timestamp),
    }
    kept = [(name, value) for name, value in record.headers if name not in said and name != names.SOURCE_KEY]
    headers = [*kept, *((name, text.encode(errors="replace")) for name, text in said.items())]
    if record.key is not None:
        headers.append((names.SOURCE_KEY, record.key))
    return Out(f"{record.topic}/{record.partition}".encode(), record.value, headers)


def header(headers: Sequence[tuple[str, bytes]], name: str) -> bytes | None:
    """The first header of a name."""
    return next((value for key, value in headers if key == name), None)
