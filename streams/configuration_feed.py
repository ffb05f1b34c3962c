"""Keeps a process's configuration equal to what `config.*` says."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import structlog
from aiokafka.errors import KafkaError

from streams.background import Background, Failed
from streams.configuration import ENTRIES, Configuration, counted
from streams.configuration_log import ConfigurationLog

log = structlog.get_logger()

_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 2.0


Applied = Callable[[Mapping[str, int]], None]
"""Learns of each topic the first offset that is not in force."""


class ConfigurationFeed:
    """Follows the topics in the background; `current` is replaced as a whole, well under a second after a change.

    A broker that is away is waited for, while `current` stays what it was. Any other error ends the feed: `ready`
    raises it, and `failed` is called with it, so that the owner can end the process.
    """

    def __init__(
        self, kafka: Mapping[str, Any], failed: Failed | None = None, applied: Applied = lambda _: None
    ) -> None:
        """`kafka` are the arguments of every aiokafka client. `applied` is called with the positions of `current`."""
        self.current = Configuration()
        self._applied = applied
        self._kafka = kafka
        self._is_ready = asyncio.Event()
        self._work = Background("configuration feed", failed)

    async def start(self) -> None:
        """Begin to follow; returns at once."""
        self._work.start(self._follow())

    async def ready(self) -> None:
        """Return once `current` is complete: the sentinel was read, and then all that was there after it."""
        await self._work.until(self._is_ready)

    async def stop(self) -> None:
        """End the feed; `current` stays what it was."""
        await self._work.stop()

    async def _follow(self) -> None:
        wait = _FIRST_WAIT
        while True:
            topics = ConfigurationLog(self._kafka, ENTRIES)
            try:
                await topics.start()
                wait = _FIRST_WAIT
                await self._read(topics)
            except KafkaError as error:
                log.warning("configuration_not_readable", error=str(error), retry_in_seconds=wait)
            finally:
                await topics.stop()
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _read(self, topics: ConfigurationLog) -> None:
        await topics.read_to_end()
        if not topics.published.is_complete:
            log.warning("configuration_not_complete", hint="waiting for the first complete publication")
        while not topics.published.is_complete:
            await topics.read()
        await topics.read_to_end()
        self._apply(topics)
        self._is_ready.set()
        while True:
            if await topics.read():
                self._apply(topics)

    def _apply(self, topics: ConfigurationLog) -> None:
        before, self.current = self.current, Configuration(topics.published)
        self._applied(topics.positions)
        log.info("configuration_in_force", **msgspec.structs.asdict(counted(topics.published.entries)))
        for subject, reason in self.current.faults.items():
            if before.faults.get(subject) != reason:
                log.warning("configuration_fault", subject=subject, reason=reason)
