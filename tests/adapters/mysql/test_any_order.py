"""The tables depend on what the gateway told, not on when or how often: real normalizer, router and projector."""

import json
from collections.abc import Sequence
from itertools import cycle, zip_longest
from random import Random
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.mysql.pool import Database, Row
from adapters.mysql.projector import Projector
from schemas.event_types import DELIVERY_ACK
from tests.adapters.mysql.in_memory import Hub
from tests.adapters.mysql.log import PROJECTED, dump
from tests.adapters.mysql.told import Emit, conversations
from tests.support.properties import examples

pytestmark = [pytest.mark.integration, pytest.mark.timeout(3_600)]

COMPARED: Final = ("messages", "conversations", "contacts", "channel_health")
HOW_IT_WAS_TOLD: Final = frozenset(
    {
        "kind", "precedence", "trace_id", "correlation_id", "external_id", "metadata", "duplicates",
        "raw_topic", "raw_partition", "raw_offset",
    }
)  # fmt: skip
"""Columns of communication_events that say by which emission an event became known, not what it says."""
SPELLINGS: Final = frozenset({"message_id", "target_id", "link"})
"""Fields of a payload that hold an id as that emission spelled it."""


@settings(examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(conversations(), st.integers(0, 2**32), st.lists(st.tuples(st.integers(1, 8), st.booleans()), min_size=1))
async def test_any_order_and_any_repetition_of_what_is_told_gives_the_same_tables(
    database: Database, projector: Projector, told: Sequence[Emit], seed: int, cuts: Sequence[tuple[int, bool]]
) -> None:
    random = Random(seed)
    in_order = await _tables(database, projector, told, [(len(told), False)])
    shuffled = [*told, *random.choices(told, k=random.randrange(len(told)))]
    random.shuffle(shuffled)
    assert _differences(in_order, await _tables(database, projector, shuffled, cuts)) == []


async def _tables(
    database: Database, projector: Projector, told: Sequence[Emit], cuts: Sequence[tuple[int, bool]]
) -> dict[str, list[Row]]:
    """What empty tables say once all was told, in batches of these sizes, of which some are delivered twice."""
    for table in PROJECTED:
        await database.execute(f"DELETE FROM {table}")  # noqa: S608
    hub, left = Hub(), list(told)
    for size, is_delivered_twice in cycle(cuts):
        batch, left = left[:size], left[size:]
        await projector.project(await hub.hear([emit() for emit in batch]))
        if is_delivered_twice:
            await projector.project(await hub.hear_again())
        if not left:
            break
    tables = await dump(database)
    events = [_said(row) for row in tables["communication_events"]]
    return {name: tables[name] for name in COMPARED} | {"events": sorted(events, key=lambda row: row["event_id"])}


def _differences(expected: dict[str, list[Row]], found: dict[str, list[Row]]) -> list[str]:
    """Which rows are one table's alone, and which columns of the others differ."""
    nothing: Row = {}
    return [
        f"{table} {sorted(_only(wanted, got).items(), key=str)} became {sorted(_only(got, wanted).items(), key=str)}"
        for table in expected
        for wanted, got in zip_longest(expected[table], found[table], fillvalue=nothing)
        if wanted != got
    ]


def _only(row: Row, other: Row) -> Row:
    return {name: value for name, value in row.items() if name not in other or other[name] != value}


def _said(row: Row) -> dict[str, Any]:
    said = {name: value for name, value in row.items() if name not in HOW_IT_WAS_TOLD}
    if row["event_type"] == DELIVERY_ACK:
        del said["occurred_at"]  # an ack's time is that of the emission which was first
    payload = json.loads(row["payload"])
    return said | {"payload": {name: value for name, value in payload.items() if name not in SPELLINGS}}
