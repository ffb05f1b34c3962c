"""Keeps `config.*` equal to what is authored in MySQL, also where somebody edits it with plain SQL."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import structlog

from adapters.mysql.pool import Session
from infra.configuration import Outcome, publishing, vanished_message
from infra.election import Elected, WentWell
from infra.kafka import connection
from infra.settings import Settings
from schemas.alarms import Alarm, AlarmKind
from streams.alarm_log import alarm_log
from streams.background import Failed

log = structlog.get_logger()


class Reconciler(Elected):
    """Looks every POSTO_RECONCILE_SECONDS for what differs, and publishes it; of all workers, one is elected to it.

    An alarm is raised once for as long as its cause lasts, whoever is elected meanwhile, and ends with it.
    """

    def __init__(self, settings: Settings, failed: Failed | None = None) -> None:
        super().__init__(settings, "reconciler", self._reconcile, failed)

    async def _reconcile(self, session: Session, went_well: WentWell) -> None:
        settings = self._settings
        async with publishing(settings) as publisher, alarm_log(connection(settings)) as alarms:
            while True:
                outcome = await publisher.publish(session)
                went_well()
                for item in outcome.publications:
                    log.info(
                        "configuration_published", entry=str(item.key), version=item.version, deleted=not item.entry
                    )
                at = datetime.now(UTC)
                await alarms.settle(_alarms(outcome, at), _KINDS, at)
                await asyncio.sleep(settings.posto_reconcile_seconds)


_KINDS: Final = (AlarmKind.CONFIGURATION_REFUSED, AlarmKind.CONFIGURATION_VANISHED)


def _alarms(outcome: Outcome, at: datetime) -> Iterator[Alarm]:
    """What a person must look at, by what the last look found."""
    for key, reason in outcome.faults.items():
        message = f"Its row is ignored: {reason}."
        yield Alarm(kind=AlarmKind.CONFIGURATION_REFUSED, subject=str(key), message=message, at=at)
    if outcome.vanished:
        message = vanished_message(outcome.vanished)
        yield Alarm(kind=AlarmKind.CONFIGURATION_VANISHED, subject="configuration", message=message, at=at)
