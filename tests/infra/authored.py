"""A hub for the tests of one module that change rules and templates: with some in force, and events to try them on."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from aiokafka import AIOKafkaProducer

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from infra.configuration import publish_configuration
from infra.database import database
from infra.migrations.runner import migrate
from infra.settings import Settings, load
from infra.topics import apply_topics
from schemas.audit import AuditChange
from schemas.events import AcceptedEvent, Decision, Kind
from streams import topics
from streams.topics import BY_NAME
from tests.streams.samples import event
from tests.support.topics import delete, read

EVENTS = 60
"""So many events were decided: every third of another type than `a.b`."""

_SEEDS = (
    "INSERT INTO tenants (id, name) VALUES (7, 'Um')",
    "INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (7, 'Canal Um')",
)
_EMPTY = ("DELETE FROM routing_rules", "DELETE FROM message_templates")
_AUTHORED = (
    "INSERT INTO message_templates (name, body) VALUES ('t', 'Olá {{ name }}')",
    "INSERT INTO routing_rules (id, event_type, action, template) VALUES ('r', 'a.b', 'whatsapp', 't')",
    "INSERT INTO routing_rules (id, event_type, action) VALUES ('s', 'a.*', 'none')",
)


@contextmanager
def authored_hub(servers: str, dsn: str, **more: object) -> Iterator[Settings]:
    """Settings of a hub with topics, tables and events; they are gone afterwards."""
    settings = load(_env_file=None, kafka_bootstrap_servers=servers, mysql_dsn=dsn, posto_partitions=1, **more)
    asyncio.run(_install(settings))
    try:
        yield settings
    finally:
        asyncio.run(delete(servers, BY_NAME))


async def _install(settings: Settings) -> None:
    await migrate(settings)
    await apply_topics(settings)
    db = database(settings, connections=1)
    for statement in _SEEDS:
        await db.execute(statement)
    await db.close()
    await _decide(settings)


async def author_anew(settings: Settings, db: Database) -> None:
    """Let rule `r` send template `t` for `a.b`, rule `s` do nothing for `a.*`, and nothing else be in force."""
    for statement in (*_EMPTY, *_AUTHORED):
        await db.execute(statement)
    await publish_configuration(settings, force=True)


async def projected(settings: Settings, db: Database, subject: str) -> list[AuditChange]:
    """What the audit says of a subject, brought into its table."""
    records = await read(settings.kafka_bootstrap_servers, topics.AUDIT_CHANGE)
    await Projector(db).project(records)
    said = [msgspec.json.decode(record.value, type=AuditChange) for record in records]
    return [one for one in said if one.subject == subject]


async def _decide(settings: Settings) -> None:
    """Events in the log of those that were decided, and their duplicates, which do not count."""
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers) as producer:
        for number in range(EVENTS):
            happened = event(
                "a.b" if number % 3 else "other.event",
                {"phone": "5547999990001", "name": "Ana"},
                tenant_id=7,
                event_id=f"7d1a2b34-0000-5000-8000-{number:012}",
            )
            fields = {name: getattr(happened, name) for name in happened.__struct_fields__}
            told = AcceptedEvent(**fields, kind=Kind.ACCEPTED, decision=Decision(action="whatsapp"))
            again = AcceptedEvent(**fields, kind=Kind.DUPLICATE)
            for record in (told, again):
                await producer.send(topics.EVENT_ACCEPTED, msgspec.json.encode(record), key=b"k")
        await producer.flush()
