"""Which failpoint a run arms, in which process, and what it does there. Each seed arms the next one of the list."""

import random
import re
from dataclasses import dataclass
from typing import Final, Self

from infra.stack.layout import CHECKOUT

_STAGES: Final = ("normalizer", "router", "sender", "projector")

WORKER: Final = (
    *(f"runtime.fetched[{stage}]" for stage in _STAGES),
    "runtime.table_written[router]",
    *(f"runtime.outputs_written[{stage}]" for stage in _STAGES),
    *(f"runtime.settled[{stage}]" for stage in _STAGES),
    "runtime.before_commit",
    "runtime.committed",
    "sender.claimed",
    "sender.log_read",
    "sender.taken_over",
    "sender.letters_taken",
    "sender.facts_appended",
    "sender.attempt_acknowledged",
    "sender.before_request",
    "sender.answered",
    "sender.snapshot_written",
    "sender.handing_over",
    "sender.handed_over",
    "sender.late_answer",
    "sender.late_answer_told",
    "projector.rows_written",
    "projector.position_written",
    "projector.committed",
)
SPOOL: Final = ("spool.written", "spool.in_kafka", "spool.removed")
EDGE: Final = ("edge.before_write", "edge.written", *SPOOL)
ALL: Final = (*WORKER, *EDGE)

_PAUSE: Final = 9.0
"""Seconds: longer than a worker's session."""
_STANDS_STILL: Final = frozenset({"sender.attempt_acknowledged", "sender.before_request", "sender.answered"})
"""Where a worker that stood still may wake up and believe that it owns its partitions: paused every other time."""


_LATE: Final = ("gateway answers slowly", "term worker")
COMPANIONS: Final = {
    "sender.handing_over": ("term worker",),
    "sender.handed_over": ("term worker",),
    "sender.late_answer": _LATE,
    "sender.late_answer_told": _LATE,
    **dict.fromkeys(SPOOL, ("pause kafka",)),
}
"""Faults without which a place is hardly ever reached."""


EVERY_WORKER: Final = "workers"


@dataclass(frozen=True)
class Armed:
    """One failpoint of one process, or of each worker that the run begins with, as POSTO_FAILPOINTS spells it."""

    process: str
    place: str
    action: str
    nth: int

    @property
    def spelled(self) -> str:
        """What goes into the environment of the process."""
        return f"{self.place}={self.action}@{self.nth}"

    @classmethod
    def read(cls, text: str) -> Self:
        """What `process:place=action@nth` says."""
        process, _, spelled = text.partition(":")
        place, _, rest = spelled.partition("=")
        action, _, nth = rest.partition("@")
        return cls(process, place, action, int(nth or 1))


def plan(chance: random.Random, seed: int, workers: int) -> Armed:
    """The failpoint of a seed: they take turns, so that any run of seeds meets all of them equally often."""
    place = ALL[seed % len(ALL)]
    if place in EDGE:
        action = chance.choice(("kill", "kill", "pause:3"))
        return Armed("edge", place, action, 1 if place in SPOOL else chance.randrange(1, 15))
    is_paused = place in _STANDS_STILL and (seed // len(ALL)) % 2 == 0
    action = f"pause:{_PAUSE:g}" if is_paused else "kill" if chance.random() < 0.85 else f"pause:{_PAUSE:g}"
    once = place.startswith(("sender.claimed", "sender.log", "sender.taken_over", "sender.hand", "sender.late"))
    nth = 1 if once else chance.choice((1, 1, 2))
    one = f"worker-{chance.randrange(workers) + 1}"
    if (place.startswith("sender.") and action == "kill") or place.startswith(("sender.hand", "sender.late")):
        return Armed(EVERY_WORKER, place, "kill", nth)  # one alone may own no channel's partition
    return Armed(one, place, action, nth)


def in_code() -> set[str]:
    """The names of all failpoints that the code has."""
    files = [
        file for package in ("streams", "adapters", "agents", "infra") for file in (CHECKOUT / package).rglob("*.py")
    ]
    return {name for file in files for name in re.findall(r'failpoints\.reach\("([\w.]+)"', file.read_text())}
