"""Which workers live, and what each of them has put in force."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from infra.kafka import connection
from infra.settings import Settings
from schemas.applied import Applied
from streams import topics
from streams.applied_log import AppliedLog, behind

_LOOK_AGAIN: Final = 0.5
"""Seconds: a worker that ended meanwhile is not waited for."""


class InForce(msgspec.Struct, kw_only=True, frozen=True):
    """In how many live workers something is in force, and in which not yet. `seconds`: how long that was waited for.

    Without a worker nothing is in force, for nothing is decided.
    """

    workers: int
    waiting_for: Collection[str]
    seconds: float

    @property
    def is_everywhere(self) -> bool:
        """Whether there are workers, and all of them have it."""
        return self.workers > 0 and not self.waiting_for


class Workers:
    """Asks Kafka for the members of the workers' group, and for what they say. All methods raise KafkaError."""

    def __init__(self, kafka: Mapping[str, Any]) -> None:
        """`kafka` are the arguments of every aiokafka client."""
        self._log = AppliedLog(kafka)
        self._admin = AIOKafkaAdminClient(**kafka)

    async def start(self) -> None:
        """Connect; to be called once."""
        await asyncio.gather(self._log.start(), self._admin.start())

    async def stop(self) -> None:
        """Disconnect."""
        await self._log.stop()
        await self._admin.close()

    async def live(self) -> list[str]:
        """The client ids of the members of the group."""
        try:
            described = await self._admin.describe_consumer_groups([topics.APP_ID])
        except GroupCoordinatorNotAvailableError:  # the first group of a broker: its topic is being made
            return []
        return sorted(member[1] for answer in described for group in answer.groups for member in group[5])

    async def applied(self) -> Mapping[str, Applied]:
        """What each worker said last, also one that lives no more."""
        await self._log.catch_up()
        return self._log.by_worker

    async def in_force(self, positions: Mapping[str, int], wait: float) -> InForce:
        """Wait up to so many seconds until all live workers have applied what lies before these positions."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        live, said = await asyncio.gather(self.live(), self.applied())
        while behind(live, said, positions) and (left := began + wait - loop.time()) > 0:
            if not await self._log.read(min(left, _LOOK_AGAIN)):
                live = await self.live()
        missing = behind(live, said, positions)
        return InForce(workers=len(live), waiting_for=missing, seconds=loop.time() - began)


@asynccontextmanager
async def known_workers(settings: Settings) -> AsyncIterator[Workers]:
    """The workers, asked for at Kafka as the settings name it. Raises KafkaError."""
    workers = Workers(connection(settings))
    try:
        await workers.start()
        yield workers
    finally:
        await workers.stop()


def told(found: InForce) -> str:
    """Where something is in force, for people."""
    if not found.workers:
        return "No worker runs: it is in force once one does."
    if found.waiting_for:
        return f"Not in force after {found.seconds:.1f} s in {', '.join(found.waiting_for)}; see that worker's log."
    return f"In force in all {found.workers} workers." if found.workers > 1 else "In force in the one worker."
