"""Keeps `config.*` equal to what is authored in MySQL, also where somebody edits it with plain SQL."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from adapters.mysql.errors import DatabaseError
from adapters.mysql.locks import held
from adapters.mysql.pool import Session
from infra.configuration import Outcome, Publisher, publishing, vanished_message
from infra.database import database
from infra.kafka import connection
from infra.settings import Settings
from schemas.alarms import Alarm, AlarmKind
from streams.alarm_log import AlarmLog, alarm_log
from streams.background import Background, Failed

log = structlog.get_logger()

_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 2.0


class Reconciler:
    """Looks every POSTO_RECONCILE_SECONDS for what differs, and publishes it.

    Of all workers on one database, one is elected; another takes over when its connection to MySQL ends. While MySQL
    or Kafka is away it waits, says so, and goes on. An alarm is raised once for as long as its cause lasts, whoever is
    elected meanwhile, and ends with it.
    """

    def __init__(self, settings: Settings, failed: Failed | None = None) -> None:
        self._settings = settings
        self._wait = _FIRST_WAIT
        self._work = Background("reconciler", failed)

    async def start(self) -> None:
        """Begin; returns at once."""
        self._work.start(self._run())

    async def stop(self) -> None:
        """Stop, and let another worker be elected."""
        await self._work.stop()

    async def _run(self) -> None:
        db = database(self._settings, connections=1)
        try:
            while True:
                try:
                    async with db.session() as session, held(session, "reconciler"):
                        log.info("reconciler_elected")
                        async with (
                            publishing(self._settings) as publisher,
                            alarm_log(connection(self._settings)) as alarms,
                        ):
                            await self._reconcile(session, publisher, alarms)
                except (DatabaseError, KafkaError) as error:
                    log.warning("configuration_not_reconciled", error=str(error), retry_in_seconds=self._wait)
                await asyncio.sleep(self._wait)
                self._wait = min(self._wait * 2, _LONGEST_WAIT)
        finally:
            await db.close()

    async def _reconcile(self, session: Session, publisher: Publisher, alarms: AlarmLog) -> None:
        while True:
            outcome = await publisher.publish(session)
            self._wait = _FIRST_WAIT
            for item in outcome.publications:
                log.info("configuration_published", entry=str(item.key), version=item.version, deleted=not item.entry)
            at = datetime.now(UTC)
            await alarms.settle(_alarms(outcome, at), _KINDS, at)
            await asyncio.sleep(self._settings.posto_reconcile_seconds)


_KINDS: Final = (AlarmKind.CONFIGURATION_REFUSED, AlarmKind.CONFIGURATION_VANISHED)


def _alarms(outcome: Outcome, at: datetime) -> Iterator[Alarm]:
    """What a person must look at, by what the last look found."""
    for key, reason in outcome.faults.items():
        message = f"Its row is ignored: {reason}."
        yield Alarm(kind=AlarmKind.CONFIGURATION_REFUSED, subject=str(key), message=message, at=at)
    if outcome.vanished:
        message = vanished_message(outcome.vanished)
        yield Alarm(kind=AlarmKind.CONFIGURATION_VANISHED, subject="configuration", message=message, at=at)
