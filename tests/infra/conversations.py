"""A hub whose Kafka is at hand: what is said of conversations is in the tables at once, replies are kept aside."""

from collections import defaultdict
from typing import Any

import msgspec

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from infra.context import Context
from infra.settings import Settings
from schemas.events import Event
from streams import topics
from streams.normalization import events
from streams.normalization.raw import RawRecord
from tests.adapters.mysql.log import PROJECTED, Log

CHANNEL_ROWS = (("Canal Um", 1), ("Canal Dois", 2))


class Loopback:
    """Takes what a producer writes, and projects what the projector takes."""

    def __init__(self, db: Database, log: Log) -> None:
        self._projector = Projector(db)
        self._log = log
        self.is_projecting = True
        self.written: defaultdict[str, list[bytes]] = defaultdict(list)

    async def send_and_wait(self, topic: str, value: bytes, *, key: bytes | None, headers: Any) -> None:
        self.written[topic].append(value)
        if topic == topics.CONVERSATION_CHANGE and self.is_projecting:
            await self._projector.project([self._log.append(topic, value)])

    def replies(self) -> list[Event]:
        """What the normalizer makes of the replies."""
        raw = RawRecord.of(topics.RAW_EVENT, 0, 1, 1768512935000, [])
        return [events.normalize(value, raw) for value in self.written[topics.RAW_EVENT]]


class LoopbackContext(Context):
    """What operations work with, with that producer."""

    def __init__(self, settings: Settings, loopback: Loopback) -> None:
        super().__init__(settings)
        self._loopback = loopback

    async def producer(self) -> Any:
        return self._loopback


async def emptied(db: Database) -> None:
    """Two tenants with a channel each, and nothing that was projected."""
    for table in (*PROJECTED, "tenant_message_channels", "admin_answers"):
        await db.execute(f"DELETE FROM {table}")  # noqa: S608
    for channel, tenant in CHANNEL_ROWS:
        await db.execute("INSERT IGNORE INTO tenants (id, name) VALUES (%s, %s)", (tenant, f"Tenant {tenant}"))
        await db.execute(
            "INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (%s, %s)", (tenant, channel)
        )


def decoded(values: list[bytes]) -> list[dict[str, Any]]:
    """The records, as JSON says them."""
    return [msgspec.json.decode(value) for value in values]
