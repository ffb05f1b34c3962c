"""Tables of the documentation, read back: rows by the text of their header."""

import re
from collections.abc import Iterator

from tests.docs.markdown import Document

Row = dict[str, str]

_BAR = re.compile(r"(?<!\\)\|")
_CODE = re.compile(r"`([^`]+)`")


def table(document: Document, *header: str) -> list[Row]:
    """The rows of the one table of a document whose header begins with these cells; KeyError where there is none."""
    for found in _tables(document):
        if tuple(found[0][: len(header)]) == header:
            return [dict(zip(found[0], cells, strict=True)) for cells in found[1:]]
    raise KeyError(f"{document} has no table with the header {header}")


def codes(cell: str) -> list[str]:
    """The code spans of a cell."""
    return [code.replace("\\|", "|") for code in _CODE.findall(cell)]


def _tables(document: Document) -> Iterator[list[list[str]]]:
    rows: list[list[str]] = []
    for line in [*document.prose.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in _BAR.split(line)[1:-1]])
        elif rows:
            yield [rows[0], *rows[2:]]
            rows = []
