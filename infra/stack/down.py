"""Taking the stack down, whatever state it is in, and dropping its data."""

import shutil

from infra.stack import orphans
from infra.stack.layout import Layout
from infra.stack.lock import exclusive
from infra.stack.progress import Progress
from infra.stack.supervision import Supervisor


def down(layout: Layout, progress: Progress) -> None:
    """Stop every process of the stack and keep its data; harmless where nothing runs."""
    if not layout.root.is_dir():
        _end_the_rest(layout, progress)
        return
    with exclusive(layout):
        supervisor = Supervisor(layout)
        if supervisor.is_running():
            with progress.step("supervisor", "stopping workers, edge, simulator, then Kafka and database") as step:
                supervisor.shutdown()
                step.detail = "all stopped"
        _end_the_rest(layout, progress)


def clean(layout: Layout, progress: Progress) -> None:
    """Stop everything and remove what the stack keeps in its folder: data, logs, secrets, jars."""
    down(layout, progress)
    for part in layout.parts:
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)
    if layout.sockets != layout.run:
        shutil.rmtree(layout.sockets, ignore_errors=True)
    if layout.root.is_dir() and not any(layout.root.iterdir()):
        layout.root.rmdir()


def _end_the_rest(layout: Layout, progress: Progress) -> None:
    """End processes that no supervisor looks after any more, one that does not answer included."""
    if left := orphans.processes(layout):
        with progress.step("leftovers", f"ending {len(left)} processes without a supervisor") as step:
            orphans.end(left, step.tell)
            step.detail = "ended"
