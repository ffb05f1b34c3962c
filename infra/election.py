"""Work that one worker of all does: whoever holds a lock in MySQL, until its connection ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from adapters.mysql.errors import DatabaseError
from adapters.mysql.locks import held
from adapters.mysql.pool import Session
from infra.database import database_at
from infra.settings import MySQLAddress, Settings
from streams.background import Background, Failed

log = structlog.get_logger()

_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 2.0

WentWell = Callable[[], None]
"""Says that the work gets on: what fails later is tried again soon."""

Work = Callable[[Session, WentWell], Awaitable[None]]


class Elected:
    """Does `work` while elected to the office of this name; another worker takes over when this one's connection ends.

    While MySQL or Kafka is away it waits, says so, and stands for election again. Any other error ends it: `failed` is
    called.
    """

    def __init__(
        self,
        settings: Settings,
        office: str,
        work: Work,
        failed: Failed | None = None,
        *,
        at: MySQLAddress | None = None,
    ) -> None:
        """The lock lies in the database `at` this address; without one, in the hub's own."""
        self._settings = settings
        self._at = at
        self._office = office
        self._do = work
        self._wait = _FIRST_WAIT
        self._background = Background(office, failed)

    async def start(self) -> None:
        """Begin; returns at once."""
        self._background.start(self._run())

    async def stop(self) -> None:
        """Stop, and let another worker be elected."""
        await self._background.stop()

    async def _run(self) -> None:
        db = database_at(self._at or self._settings.mysql, connections=1)
        try:
            while True:
                try:
                    async with db.session() as session, held(session, self._office):
                        log.info("elected", office=self._office)
                        await self._do(session, self._went_well)
                except (DatabaseError, KafkaError) as error:
                    log.warning("office_waits", office=self._office, error=str(error), retry_in_seconds=self._wait)
                await asyncio.sleep(self._wait)
                self._wait = min(self._wait * 2, _LONGEST_WAIT)
        finally:
            await db.close()

    def _went_well(self) -> None:
        self._wait = _FIRST_WAIT
