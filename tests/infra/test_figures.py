"""The figures of a hub, and what is said of those that nobody knows."""

import asyncio
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest

from adapters.mysql.pool import Database
from infra.figures import view
from infra.figures.lag import Lag
from infra.figures.overview import ANSWER_SECONDS, Overview, StandingAlarm, gauges_of_the_edge, overview
from infra.figures.tables import ChannelFigures, Tables, read_tables
from infra.settings import Settings, load
from schemas.alarms import AlarmKind
from tests.infra.test_configuration import author

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)

CHANNEL = ChannelFigures(
    channel="canalum",
    tenant_id=1,
    is_enabled=True,
    state="connected",
    state_at=NOON,
    last_inbound_at=NOON - timedelta(minutes=9),
    last_outbound_at=None,
    last_ack_at=NOON - timedelta(hours=3),
)
HUB = Overview(
    topics=[Lag("raw.event", 1_200, NOON - timedelta(seconds=45)), Lag("event.normalized", 0, None)],
    alarms=[
        StandingAlarm(AlarmKind.CHANNEL_SILENT, "5547999990001", "Look at its phone.", 2, NOON - timedelta(days=3))
    ],
    tables=Tables(
        commands={"queued": 3, "uncertain": 1, "parked": 0},
        waiting_since={"queued": NOON - timedelta(seconds=9), "uncertain": NOON - timedelta(hours=3)},
        dead_letters=2,
        quarantined=0,
        channels=[CHANNEL],
    ),
    edge={
        "backlog_entries": 7.0,
        "spool_entries": 20.0,
        "spool_bytes": 9_000.0,
        "spool_oldest_seconds": 150.0,
        "spool_usable": 0.0,
        "spool_unreadable_slots": 1.0,
    },
    unknown={},
)


def test_an_edge_of_several_processes_is_shown_as_one() -> None:
    shown = gauges_of_the_edge(
        """\
# TYPE posto_edge_spool_entries gauge
posto_edge_spool_entries{process="1"} 3.0
posto_edge_spool_entries{process="2"} 4.0
# TYPE posto_edge_spool_oldest_seconds gauge
posto_edge_spool_oldest_seconds{process="1"} 9.0
posto_edge_spool_oldest_seconds{process="2"} 2.0
# TYPE posto_edge_spool_usable gauge
posto_edge_spool_usable{process="1"} 1.0
posto_edge_spool_usable{process="2"} 0.0
# TYPE posto_edge_backlog_entries gauge
posto_edge_backlog_entries 5.0
"""
    )
    assert shown == {"spool_entries": 7, "spool_oldest_seconds": 9, "spool_usable": 0, "backlog_entries": 5}


def test_the_overview_is_a_few_lines() -> None:
    assert list(view.lines(HUB, NOON)) == [
        "lag          1,200 records",
        "             raw.event                1,200  oldest 45 s",
        "commands     3 queued (9 s), 1 uncertain (3 h)",
        "             `posto deliveries uncertain` lists those of which nobody knows whether they were sent",
        "dead letters 2: see `posto dead-letters`",
        "quarantined  none",
        "edge         7 records wait for Kafka's word",
        "spool        20 records, 9,000 bytes, oldest 2 min: Kafka is away, or was",
        "spool        cannot be used: while Kafka is away requests are refused; the edge's log says why",
        "spool        1 folders of it are of another version, and wait for that",
        "alarms       1",
        "             channel_silent ***0001, stage 2, for 3 d: Look at its phone.",
        "",
        "channel                  state           last in  last own  last ack",
        "canalum                  connected         9 min     never       3 h",
    ]


def test_what_is_away_is_said_and_the_rest_is_shown() -> None:
    said = Overview(topics=[], alarms=None, tables=None, edge=None, unknown={"tables": "MySQL does not answer in time"})
    assert list(view.lines(said, NOON)) == ["lag          none", "unknown      tables: MySQL does not answer in time"]


async def test_parts_that_do_not_answer_cost_a_bounded_time_and_are_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connections are taken, and nothing is ever said
        port = silent.getsockname()[1]
        settings = load(
            _env_file=None,
            kafka_bootstrap_servers=f"127.0.0.1:{port}",
            mysql_dsn=f"mysql://posto:x@127.0.0.1:{port}/posto",
            posto_edge_port=port,
        )
        began = time.monotonic()
        found = await overview(settings)
        took = time.monotonic() - began
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=10)  # what is let go is closed

    assert took < ANSWER_SECONDS + 1
    assert (found.topics, found.alarms, found.tables, found.edge) == (None, None, None, None)
    assert set(found.unknown) == {"topics", "alarms", "tables", "edge"}
    assert found.unknown["tables"] == f"MySQL at 127.0.0.1:{port} does not answer in time"


async def _tables(db: Database) -> Tables:
    async with db.session() as session:
        return await read_tables(session)


@pytest.mark.integration
async def test_what_the_tables_say(hub: Settings, db: Database) -> None:
    assert await _tables(db) == Tables(
        commands={"queued": 0, "attempting": 0, "retrying": 0, "parked": 0, "uncertain": 0},
        waiting_since={},
        dead_letters=0,
        quarantined=0,
        channels=[],
    )
    await author(
        db,
        "INSERT INTO tenants (id, name) VALUES (1, 'A'), (2, 'B')",
        "INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (1, 'Canal Um')",
        "INSERT INTO tenant_message_channels (tenant_id, channel_id, is_enabled) VALUES (2, 'Canal Dois', FALSE)",
        "INSERT INTO channel_health (channel_id, state) VALUES ('canalum', 'connected'), ('stranger', 'connected')",
        "UPDATE channel_health SET last_inbound_at = '2026-01-15 12:00:00' WHERE channel_id = 'canalum'",
    )
    for command, status in (("a", "uncertain"), ("b", "read")):
        await db.execute(
            "INSERT INTO outbound_messages (command_id, event_id, trace_id, tenant_id, channel_id, status, created_at, "
            "updated_at) VALUES (%s, 'e', 't', 1, 'canalum', %s, NOW(), NOW())",
            (command, status),
        )

    for offset, state in enumerate(("open", "redriven", "discarded", "open")):
        await db.execute(
            "INSERT INTO dead_letters (stage, source_topic, source_partition, source_offset, state) "
            "VALUES ('router', 'event.normalized', 0, %s, %s)",
            (offset, state),
        )

    found = await _tables(db)

    assert found.dead_letters == 2
    assert found.commands["uncertain"] == 1
    assert sum(found.commands.values()) == 1
    assert set(found.waiting_since) == {"uncertain"}
    assert [(one.channel, one.tenant_id, one.is_enabled, one.state) for one in found.channels] == [
        ("canaldois", 2, False, None),
        ("canalum", 1, True, "connected"),
    ]
    assert found.channels[1].last_sign_at == NOON
