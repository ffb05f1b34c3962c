"""The processes of a stack, found by a mark in their environment, whoever their parent is by now."""

import contextlib
import os
from collections.abc import Callable, Sequence

import psutil

from infra.stack.layout import Layout

MARK = "POSTO_STACK"
"""Environment variable that every process of a stack carries; its value is the stack's folder."""

_TERM_SECONDS = 30
_KILL_SECONDS = 10


def mark(layout: Layout) -> dict[str, str]:
    """What to put into the environment of a process of this stack."""
    return {MARK: str(layout.root)}


def processes(layout: Layout) -> list[psutil.Process]:
    """Every living process that carries this stack's mark, except the caller."""
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.pid != os.getpid()
                and process.status() != psutil.STATUS_ZOMBIE
                and process.environ().get(MARK) == str(layout.root)
            ):
                found.append(process)
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or not ours to look into
    return found


def end(victims: Sequence[psutil.Process], tell: Callable[[str], None]) -> None:
    """End the processes, politely first, then for certain; psutil makes sure that a pid is still the same process."""
    for process in victims:
        _signal(process.terminate)
    _, alive = psutil.wait_procs(victims, timeout=_TERM_SECONDS)
    for process in alive:
        tell(f"pid {process.pid} did not stop by itself")
        _signal(process.kill)
    psutil.wait_procs(alive, timeout=_KILL_SECONDS)


def _signal(send: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        send()
