"""Alarms of a worker's own parts, written to the topic of alarms beside their work."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaError

from schemas.alarms import Alarm
from streams.alarm_log import alarm_log
from streams.background import Background, Failed

log = structlog.get_logger()

_WAIT: Final = 2.0


class AlarmBell:
    """Takes alarms at any time and writes them in their order; while Kafka is away, they wait.

    Nothing is said that stands in the log already, nor the end of what does not stand.
    """

    def __init__(self, kafka: Mapping[str, Any], failed: Failed | None = None) -> None:
        """`kafka` are the arguments of every aiokafka client."""
        self._kafka = kafka
        self._alarms: asyncio.Queue[Alarm] = asyncio.Queue()
        self._work = Background("alarm bell", failed)

    async def start(self) -> None:
        """Begin to write; returns at once."""
        self._work.start(self._write())

    async def stop(self) -> None:
        """Write no more."""
        await self._work.stop()

    def tell(self, alarm: Alarm) -> None:
        """Say that a trouble began, rose or is over."""
        self._alarms.put_nowait(alarm)

    async def _write(self) -> None:
        alarm = await self._alarms.get()
        while True:
            try:
                async with alarm_log(self._kafka) as alarms:
                    while True:
                        await alarms.tell(alarm)
                        alarm = await self._alarms.get()
            except KafkaError as error:
                log.warning("alarm_not_written", subject=alarm.subject, error=str(error), retry_in_seconds=_WAIT)
            await asyncio.sleep(_WAIT)
