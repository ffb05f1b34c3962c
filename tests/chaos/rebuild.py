"""The tables as a rebuild from the topics makes them, held against those that the system has written."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pymysql
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr

from adapters.mysql.projector import TOPICS, Projector
from infra.database import database
from infra.migrations import migrate
from infra.settings import Settings
from tests.docs.test_rebuild import NOT_PROJECTED

_NOT_PROJECTED: Final = NOT_PROJECTED | {"schema_migrations"}
_FETCH_MS: Final = 300
_MOST_SHOWN: Final = 5

Rows = Sequence[Mapping[str, Any]]


async def rebuilt_differences(settings: Settings) -> list[str]:
    """Project all topics into a database of its own, and say where its tables differ from the system's."""
    name = f"posto_chaos_{os.urandom(4).hex()}"
    dsn = settings.mysql_dsn.get_secret_value().rpartition("/")[0] + f"/{name}"
    scratch = settings.model_copy(update={"mysql_dsn": SecretStr(dsn)})
    scratch.__dict__.pop("mysql", None)  # the parsed DSN of the copy's original
    _execute(settings, f"CREATE DATABASE {name}")
    try:
        await migrate(scratch)
        await _project(scratch)
        return list(differences(tables(settings), tables(scratch)))
    finally:
        _execute(settings, f"DROP DATABASE {name}")


def differences(present: Mapping[str, Rows], rebuilt: Mapping[str, Rows]) -> Iterator[str]:
    """Each row that one side has and the other has not, a few of each table."""
    for table in sorted({*present, *rebuilt}):
        here, there = (sorted(map(_shown, rows.get(table, ()))) for rows in (present, rebuilt))
        if here != there:
            for side, rows in (
                ("only in MySQL", set(here) - set(there)),
                ("only after a rebuild", set(there) - set(here)),
            ):
                for row in sorted(rows)[:_MOST_SHOWN]:
                    yield f"{table}, {side}: {row}"
            if set(here) == set(there):
                yield f"{table}: {len(here)} rows, {len(there)} after a rebuild"


def tables(settings: Settings) -> dict[str, Rows]:
    """All rows of all projected tables."""
    with _connection(settings) as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute("SHOW TABLES")
        names = [next(iter(row.values())) for row in cursor.fetchall()]
        found = {}
        for name in names:
            if name not in _NOT_PROJECTED:
                cursor.execute(f"SELECT * FROM {name}")  # noqa: S608 (a name of ours)
                found[name] = cursor.fetchall()
        return found


async def _project(settings: Settings) -> None:
    db = database(settings)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers, group_id=None, fetch_max_wait_ms=50)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for topic in TOPICS for number in range(settings.posto_partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(places)
        projector = Projector(db)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            fetched = await consumer.getmany(timeout_ms=_FETCH_MS)
            records = [record for place in fetched for record in fetched[place] if record.offset < ends[place]]
            if records:
                await projector.project(records)
    finally:
        await consumer.stop()
        await db.close()


def _shown(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in row.items())


def _execute(settings: Settings, statement: str) -> None:
    with _connection(settings) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def _connection(settings: Settings) -> Any:
    address = settings.mysql
    return pymysql.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password.get_secret_value(),
        database=address.database,
    )
