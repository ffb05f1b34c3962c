"""A worker that is killed in the middle of its work: every event is there once, every send at most once."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.e2e.hub import Hub, invoice, number, unique
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

EVENTS = 5_000
INVOICES = 500
SETTLED = {"read", "uncertain"}


async def test_kill_9_in_the_middle_of_5000_events_loses_nothing_and_sends_nothing_twice(hub: Hub) -> None:
    run = unique("crash")
    recipients = [f"55478{number()[5:]}" for _ in range(INVOICES)]
    events = [_event(run, index, recipients) for index in range(EVENTS)]
    batches = [events[start : start + 500] for start in range(0, EVENTS, 500)]

    async def projected() -> int:
        [row] = await hub.rows(
            "SELECT COUNT(*) AS n FROM communication_events WHERE correlation_id = %s AND status <> 'conflict'", run
        )
        return int(row["n"])

    answers = await asyncio.gather(*(hub.post(batch) for batch in batches[:5]))
    await eventually(projected, 30)
    await hub.kill_worker()
    answers += await asyncio.gather(*(hub.post(batch) for batch in batches[5:]))
    assert [answer.json()["accepted"] for answer in answers] == [500] * 10

    async def all_there() -> bool:
        return await projected() == EVENTS

    await eventually(all_there, 90, because="events are missing")

    async def all_settled() -> bool:
        rows = await _outbound(hub, run)
        return len(rows) == INVOICES and {row["status"] for row in rows} <= SETTLED

    await eventually(all_settled, 90, because="commands are not settled")
    sent = Counter(message["to"] for message in await _delivered(hub))
    statuses = {row["recipient"]: row["status"] for row in await _outbound(hub, run)}
    assert set(statuses) == set(recipients)
    for recipient in recipients:
        assert sent[recipient] <= 1, recipient
        assert sent[recipient] == 1 or statuses[recipient] == "uncertain", recipient


def _event(run: str, index: int, recipients: list[str]) -> dict[str, Any]:
    external_id = f"{run}-{index}"
    every, rest = divmod(index, EVENTS // INVOICES)
    if rest:
        return invoice("", external_id=external_id, event_type="erp.nothing", correlation_id=run, payload={})
    return invoice(recipients[every], external_id=external_id, correlation_id=run)


async def _outbound(hub: Hub, run: str) -> list[dict[str, Any]]:
    return await hub.rows(
        "SELECT o.recipient, o.status FROM outbound_messages o JOIN communication_events e USING (event_id) "
        "WHERE e.correlation_id = %s",
        run,
    )


async def _delivered(hub: Hub) -> list[dict[str, Any]]:
    answer = await hub.http.get(f"{hub.stack.simulator}/_sim/messages", params={"limit": 100_000})
    found: list[dict[str, Any]] = answer.json()["messages"]
    return found
