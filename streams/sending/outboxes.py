"""The outboxes of a worker: one for each partition that it owns, from the take-over to the hand-over."""

from collections.abc import Callable

from streams.runtime.owners import Owners
from streams.sending.desk import Incoming
from streams.sending.outbox import Outbox
from streams.sending.surroundings import Surroundings


class Outboxes(Owners[Incoming]):
    """Gives each partition's outbox what comes in for it.

    `grace`: seconds for which a hand-over waits for the gateway's answers.
    """

    def __init__(self, around: Surroundings, *, grace: float, fatal: Callable[[BaseException], None]) -> None:
        super().__init__(lambda partition: Outbox(partition, around), grace=grace, fatal=fatal)
