"""The errands of a worker: one runner for each partition that it owns, from the take-over to the hand-over."""

from collections.abc import Callable
from typing import Final

from streams.errands.errand import Errand
from streams.errands.runner import Runner, Surroundings
from streams.runtime.owners import Owners

_NO_GRACE: Final = 0.0  # what is under way is let go at once: the next owner does it again


class Errands(Owners[Errand]):
    """Gives each partition's runner the errands that come in for it. `fatal` is told of an error that ended one."""

    def __init__(self, around: Surroundings, *, fatal: Callable[[BaseException], None]) -> None:
        super().__init__(lambda partition: Runner(partition, around), grace=_NO_GRACE, fatal=fatal)
