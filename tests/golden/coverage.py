"""The table of what the golden suite covers: `python -m tests.golden.coverage` writes it to README.md."""

from typing import Final

from tests.golden.rows import ROWS
from tests.golden.suite import FOLDER, Case, cases

README: Final = FOLDER / "README.md"

_HEAD: Final = """# Golden suite

{count} bodies of webhooks, byte for byte as they may be posted (`NAME.json`), each with what becomes of it beside it
(`NAME.expected.json`: its events, or that it is noise, or why it is a dead letter). All phones, names and ids are made
up. [suite.py](suite.py) says how an expectation is written, `tests/streams/normalization/test_golden.py` holds the code
to it. The table is written by `python -m tests.golden.coverage`.
"""


def table() -> str:
    """The README: every row and trap, and the bodies that show it."""
    found = cases()
    lines = [_HEAD.format(count=len(found))]
    for section, rows in ROWS.items():
        lines += [f"## {section}", "", "| row or trap | shown by |", "|---|---|"]
        lines += [f"| {told} | {', '.join(_names(found, row))} |" for row, told in rows.items()]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _names(found: list[Case], row: str) -> list[str]:
    return [f"[{case.name}]({case.name}.json)" for case in found if row in case.expected["covers"]]


if __name__ == "__main__":
    README.write_text(table(), encoding="utf-8")
