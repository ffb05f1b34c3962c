"""The tables come back from the topics, in the way that the documentation describes."""

import re
from pathlib import Path
from typing import Any

import pytest

from infra.stack.layout import CHECKOUT
from infra.stack.supervision import Supervisor
from tests.docs.markdown import OPERATIONS
from tests.docs.shell import Shell
from tests.e2e.hub import Hub, hub_on, invoice, number, unique
from tests.support.stack import Stack
from tests.support.waiting import eventually

BLOCKS = [block for block in OPERATIONS.blocks if block.run_by == f"tests/docs/{Path(__file__).name}"]
PROJECTED = {
    "communication_events": "event_id",
    "event_sightings": "raw_topic, raw_partition, raw_offset, event_id",
    "outbound_messages": "command_id",
    "delivery_attempts": "command_id, attempt",
    "delivery_facts": "source_partition, source_offset",
    "http_requests": "command_id",
    "conversations": "id",
    "messages": "channel_id, message_key",
    "contacts": "tenant_id, contact",
    "contact_links": "tenant_id, contact, same_as",
    "channel_health": "channel_id",
    "audit_log": "source_partition, source_offset",
    "dead_letters": "stage, source_topic, source_partition, source_offset",
    "dead_letter_history": "stage, source_topic, source_partition, source_offset, round, what",
}
"""Every table that the projector fills, with its key."""
NOT_PROJECTED = frozenset(
    {
        "tenants",
        "tenant_message_channels",
        "routing_rules",
        "message_templates",
        "http_targets",
        "projection_offsets",
        "admin_tokens",
        "admin_answers",
    }
)


@pytest.mark.e2e
async def test_dropped_tables_come_back_row_by_row(stack: Stack, tmp_path: Path) -> None:
    supervisor = Supervisor(stack.layout)
    shell = Shell(stack, tmp_path)
    shell.run(OPERATIONS.blocks[0])
    async with hub_on(stack) as hub:
        accepted = (await hub.post(invoice(number()))).json()
        await hub.outbound(accepted["event_id"], "read")
        text = unique("Bom dia")
        await hub.http.post(f"{stack.simulator}/_sim/inbound", json={"from": number(), "text": text})
        await hub.row("SELECT * FROM messages WHERE text = %s", text)
        before = await _settled(hub)
        assert all(before[table] for table in ("communication_events", "outbound_messages", "messages"))

        supervisor.stop("worker-1")
        try:
            for block in BLOCKS:
                shell.run(block)
            assert not any((await _tables(hub)).values())
        finally:
            supervisor.start("worker-1")

        async def are_back() -> bool:
            for table, rows in (await _tables(hub)).items():
                assert len(rows) == len(before[table]), table
                for then, now in zip(before[table], rows, strict=True):
                    assert now == then, f"{table}: {now.items() ^ then.items()}"
            return True

        await eventually(are_back, 60, interval=0.5)
        await eventually(hub.is_ready, 30)


def test_every_projected_table_is_emptied() -> None:
    [statements] = [block.text for block in BLOCKS if block.language == "sql"]
    emptied = {line.removeprefix("TRUNCATE ").rstrip(";") for line in statements.splitlines()}
    assert emptied == {*PROJECTED, "projection_offsets"}


def test_every_table_is_projected_or_left_to_people() -> None:
    migrations = "".join(path.read_text() for path in (CHECKOUT / "infra" / "migrations").glob("*.sql"))
    tables = set(re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", migrations))
    assert tables - NOT_PROJECTED == set(PROJECTED)


async def _settled(hub: Hub) -> dict[str, list[dict[str, Any]]]:
    """The tables, once nothing is on its way into them any more."""
    seen: list[dict[str, list[dict[str, Any]]]] = [{}]

    async def is_quiet() -> bool:
        seen.append(await _tables(hub))
        return seen[-1] == seen[-2]

    await eventually(is_quiet, 30, interval=1.5, because="the tables never come to rest")
    return seen[-1]


async def _tables(hub: Hub) -> dict[str, list[dict[str, Any]]]:
    return {
        table: list(await hub.rows(f"SELECT * FROM {table} ORDER BY {key}"))  # noqa: S608 (names of ours)
        for table, key in PROJECTED.items()
    }
