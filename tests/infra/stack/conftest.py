"""A stack's folder for one test, with nothing left running afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from infra.stack import orphans
from infra.stack.down import clean
from infra.stack.layout import Layout
from infra.stack.progress import Progress


@pytest.fixture
def quiet() -> Progress:
    return Progress(Console(quiet=True))


@pytest.fixture
def layout(tmp_path: Path, quiet: Progress) -> Iterator[Layout]:
    layout = Layout.at(tmp_path / "local")
    layout.create()
    yield layout
    clean(layout, quiet)
    assert orphans.processes(layout) == []
