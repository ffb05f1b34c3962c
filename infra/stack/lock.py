"""One command at a time on a stack's folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from infra.errors import StackError
from infra.stack.layout import Layout


@contextmanager
def exclusive(layout: Layout) -> Iterator[None]:
    """Hold the stack's lock; the system lets go of it when we end, however we end."""
    with layout.lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"Another `posto up`, `down` or `clean` is at work on {layout.root}.") from None
        yield
