"""The relay of an outbox: rows of a database to acknowledged records, while the hub's worker rests."""

import asyncio
import json
from time import perf_counter
from typing import Final

from adapters.mysql import outbox
from bench.result import Result
from infra.database import database_at
from infra.outbox.process import relay_once
from infra.outbox.relay import SOURCE
from infra.settings import load, parse_dsn
from infra.stack.supervision import Supervisor
from streams.topics import RAW_EVENT
from tests.support import servers
from tests.support.stack import Stack
from tests.support.topics import read

_ROWS: Final = 50_000
_KEYS: Final = 5_000
_WORKER: Final = "worker-1"
_WANTED: Final = 2_000
_FILL: Final = """
INSERT INTO posto_outbox (event) SELECT JSON_OBJECT('source_system', 'shop', 'event_type', 'order.step',
    'external_id', n, 'ordering_key', CONCAT('order ', n %% %s), 'payload', JSON_OBJECT('amount', 129.9,
    'name', 'Ana Souza', 'due_date', '2026-01-10', 'payment_link', CONCAT('https://pay.example/', n)))
FROM (WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
      SELECT n + %s AS n FROM numbers) AS numbered
"""


async def measure(stack: Stack, *, quick: bool) -> list[Result]:
    """How fast what waits is moved. Checked: that all of it arrived, once, in the order of its keys."""
    rows = _ROWS // 10 if quick else _ROWS
    supervisor = Supervisor(stack.layout)
    await asyncio.to_thread(supervisor.stop, _WORKER)
    try:
        with servers.database(stack.mysql) as shop:
            settings = load(posto_outbox_dsn=shop, kafka_bootstrap_servers=stack.kafka)
            await _fill(shop, rows)
            began = perf_counter()
            assert await relay_once(settings, None) == rows
            seconds = perf_counter() - began
            await _check(stack.kafka, rows)
    finally:
        await asyncio.to_thread(supervisor.start, _WORKER)
    return [Result("outbox", "rows relayed", rows / seconds, "rows/s", at_least=_WANTED)]


async def _fill(shop: str, rows: int) -> None:
    db = database_at(parse_dsn(shop))
    await db.execute(outbox.DDL)
    for first in range(0, rows, 1_000):
        await db.execute(_FILL, (_KEYS, first))
    await db.close()


async def _check(kafka: str, rows: int) -> None:
    last: dict[str, int] = {}
    ours = [record for record in await read(kafka, RAW_EVENT) if ("source", SOURCE.encode()) in record.headers]
    assert len(ours) == rows
    for record in ours:
        event = json.loads(record.value)
        assert last.get(event["ordering_key"], 0) < event["external_id"]
        last[event["ordering_key"]] = event["external_id"]
