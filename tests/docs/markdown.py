"""Markdown as the tests of the documentation see it: headings, links, and blocks of code with their marks.

A block says in its info string what becomes of it: ` ```bash ` is run, ` ```bash needs: kcat ` is run where there is a
kcat, ` ```bash run-by: a file ` is run by a test of its own, ` ```bash no-run: why not ` is not run. ` ```text output `
is what the block before it prints.
"""

import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.stack.layout import CHECKOUT

RUNNABLE = frozenset({"bash", "python", "sql"})

_FENCE = re.compile(r"^ *(`{3,})(.*)$")
_HEADING = re.compile(r"^(#{1,6}) +(.+?) *#*$")
_LINK = re.compile(r"\[[^\]\[]*\]\(([^)\s]+)\)")
_CODE_SPAN = re.compile(r"`[^`]*`")
_COMMENT = re.compile(r"<!--.*?-->")


@dataclass(frozen=True)
class Block:
    """One fenced block. `line` counts from 1 and is that of its fence."""

    document: str
    line: int
    language: str
    note: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def not_run_because(self) -> str | None:
        """Why the block is not run, if it says so."""
        return self._marked("no-run:")

    @property
    def needs(self) -> str | None:
        """The program without which it cannot be run, if it says so."""
        return self._marked("needs:")

    @property
    def run_by(self) -> str | None:
        """The file that runs it, if it says so."""
        return self._marked("run-by:")

    @property
    def is_output(self) -> bool:
        """Whether it shows what the block before it prints."""
        return self.note == "output"

    def _marked(self, mark: str) -> str | None:
        return self.note.removeprefix(mark).strip() if self.note.startswith(mark) else None

    def __post_init__(self) -> None:
        known = {**dict.fromkeys(RUNNABLE, ("no-run: ", "needs: ", "run-by: ")), "text": ("output",)}
        if self.note and not self.note.startswith(known.get(self.language, ())):
            raise ValueError(f"{self}: nobody knows what {self.note!r} means")


@dataclass(frozen=True)
class Document:
    """One file of the documentation."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(CHECKOUT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Its fenced blocks, in their order."""
        return tuple(block for _, block in self._parts() if isinstance(block, Block))

    @cached_property
    def headings(self) -> tuple[tuple[int, str], ...]:
        """Level and text of each heading."""
        found = (_HEADING.match(line) for _, line in self._parts() if isinstance(line, str))
        return tuple((len(match[1]), match[2]) for match in found if match)

    @property
    def anchors(self) -> frozenset[str]:
        """The names under which its headings can be linked to, as GitHub makes them."""
        names: Counter[str] = Counter()
        anchors = []
        for _, heading in self.headings:
            name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            anchors.append(f"{name}-{names[name]}" if names[name] else name)
            names[name] += 1
        return frozenset(anchors)

    @property
    def prose(self) -> str:
        """The text outside of fenced blocks."""
        return "\n".join(line for _, line in self._parts() if isinstance(line, str))

    @property
    def links(self) -> tuple[str, ...]:
        """The targets of its links."""
        return tuple(_LINK.findall(_CODE_SPAN.sub("", _COMMENT.sub("", self.prose))))

    def _parts(self) -> Iterator[tuple[int, str | Block]]:
        lines = iter(enumerate(self.text.splitlines(), start=1))
        for number, line in lines:
            fence = _FENCE.match(line)
            if fence is None:
                yield number, line
                continue
            inside = []
            for _, held in lines:
                if held.strip() == fence[1]:
                    break
                inside.append(held)
            else:
                raise ValueError(f"{self}:{number}: the block is never closed")
            language, _, note = fence[2].strip().partition(" ")
            yield number, Block(str(self), number, language, note.strip(), textwrap.dedent("\n".join(inside)))


README = Document(CHECKOUT / "README.md")
README_PT = Document(CHECKOUT / "README.pt-BR.md")
DOCUMENTS = (README, README_PT, *(Document(path) for path in sorted((CHECKOUT / "docs").glob("*.md"))))
ARCHITECTURE, CONTRACT, GUARANTEES, OPERATIONS, DEVIATIONS = (
    Document(CHECKOUT / "docs" / f"{name}.md")
    for name in ("architecture", "event-contract", "guarantees", "operations", "deviations")
)
