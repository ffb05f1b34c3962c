"""Showing what a long command is at: spinners on a terminal, plain lines elsewhere."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_NAME_WIDTH = 14


class Step:
    """One step under way; several may be under way at once."""

    def __init__(self, progress: "Progress", name: str) -> None:
        self.detail = ""
        self._progress = progress
        self._name = name

    def tell(self, detail: str) -> None:
        """Say what is being done now; the last word stays as the step's result."""
        self.detail = detail
        self._progress.show(self._name, detail)


class Progress:
    """The steps of one command, each ending in a line with its result and time. Safe to use from several threads."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
            self._bars = Bars(*columns, console=self._console, transient=True)
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the terminal to others; what is told from now on comes as plain lines."""
        if self._bars:
            self._bars.stop()
            self._bars = None

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[Step]:
        """Show `name: doing` while the block runs, then a line with its last word and how long it took."""
        step = Step(self, name)
        began = time.monotonic()
        step.tell(doing)
        sign = "✗"
        try:
            yield step
            sign = "✓"
        finally:
            self._finish(name)
            self.line(f"{sign} {name:<{_NAME_WIDTH}} {step.detail} ({time.monotonic() - began:.1f} s)")

    def line(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(text, markup=False)

    def show(self, name: str, detail: str) -> None:
        with self._lock:
            if self._bars is None:
                self.line(f"  {name:<{_NAME_WIDTH}} {detail}...")
            elif name in self._tasks:
                self._bars.update(self._tasks[name], description=f"{name:<{_NAME_WIDTH}} {detail}")
            else:
                self._tasks[name] = self._bars.add_task(f"{name:<{_NAME_WIDTH}} {detail}", total=None)

    def _finish(self, name: str) -> None:
        with self._lock:
            if self._bars is not None and name in self._tasks:
                self._bars.remove_task(self._tasks.pop(name))
