"""All figures of a hub at one moment, within a bounded time: what is away is said, and the rest is there."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, TypeVar

import httpx
import msgspec
import structlog
from aiokafka.errors import KafkaError
from prometheus_client.parser import text_string_to_metric_families

from adapters.mysql.errors import DatabaseError
from infra.database import database
from infra.figures.lag import Lag, read_lags
from infra.figures.tables import Tables, read_tables
from infra.kafka import connection
from infra.patience import kafka_of, mysql_of
from infra.settings import Settings
from schemas.alarms import AlarmKind
from streams.alarm_log import read_alarms

log = structlog.get_logger()

T = TypeVar("T")

ANSWER_SECONDS: Final = 1.5
"""Each part has this long to answer; all are asked at the same time."""

_OF_THE_EDGE: Final = ("posto_edge_backlog_", "posto_edge_spool_")
_OF_ALL_PROCESSES: Final[Mapping[str, Callable[[Iterable[float]], float]]] = {
    "spool_oldest_seconds": max,
    "spool_in_use": max,
    "spool_usable": min,
    "spool_unreadable_slots": max,
}
"""What an edge of several processes comes to, where that is not the sum."""


class StandingAlarm(msgspec.Struct, frozen=True):
    """One alarm that has not ended."""

    kind: AlarmKind
    subject: str
    message: str
    stage: int
    since: datetime


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """None is what nobody says; `unknown` has the reason, by the part that is away.

    `edge`: what waits there for Kafka, by the name of its gauge.
    """

    topics: list[Lag] | None
    alarms: list[StandingAlarm] | None
    tables: Tables | None
    edge: dict[str, float] | None
    unknown: dict[str, str]


async def overview(settings: Settings) -> Overview:
    """Ask all parts."""
    kafka, mysql = kafka_of(settings), mysql_of(settings)
    unknown: dict[str, str] = {}

    async def known(part: str, where: str, work: Awaitable[T]) -> T | None:
        try:
            return await _in_time(work)
        except (KafkaError, DatabaseError, httpx.HTTPError, OSError) as error:
            said = "does not answer in time" if isinstance(error, TimeoutError) else f"does not say: {error}"
            unknown[part] = f"{where} {said}"
            return None

    lags, alarms, tables, edge = await asyncio.gather(
        known("topics", kafka, read_lags(connection(settings))),
        known("alarms", kafka, _alarms(settings)),
        known("tables", mysql, _tables(settings)),
        known("edge", f"the edge at 127.0.0.1:{settings.posto_edge_port}", _edge(settings.posto_edge_port)),
    )
    return Overview(topics=lags, alarms=alarms, tables=tables, edge=edge, unknown=unknown)


async def _in_time(work: Awaitable[T]) -> T:
    """The result; TimeoutError where it takes too long, without waiting for what it leaves to be closed."""
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=ANSWER_SECONDS)
    if not task.done():
        task.cancel()
        raise TimeoutError
    return task.result()


async def _alarms(settings: Settings) -> list[StandingAlarm]:
    standing = (await read_alarms(connection(settings))).standing()
    return [StandingAlarm(one.kind, one.subject, one.message, one.stage, since) for one, since in standing]


async def _tables(settings: Settings) -> Tables:
    db = database(settings, connections=1)
    try:
        async with db.session() as session:
            return await read_tables(session)
    finally:
        await db.close()


async def _edge(port: int) -> dict[str, float]:
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/metrics")
    return gauges_of_the_edge(answer.text)


def gauges_of_the_edge(metrics: str) -> dict[str, float]:
    """What an edge shows of its backlog and its spool, of all its processes together."""
    found = {}
    for family in text_string_to_metric_families(metrics):
        if family.type == "gauge" and family.name.startswith(_OF_THE_EDGE):
            name = family.name.removeprefix("posto_edge_")
            found[name] = _OF_ALL_PROCESSES.get(name, sum)(sample.value for sample in family.samples)
    return found
