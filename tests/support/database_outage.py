"""An outage of MySQL under traffic: invoices at a rate, before it and in it, and what came of them."""

import asyncio
import os
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from infra.stack import ports
from infra.stack.supervision import Supervisor
from tests.e2e.hub import Hub, hub_on, invoice
from tests.support.stack import Stack
from tests.support.waiting import eventually

_BEFORE_SECONDS = 3.0
_LOOKS_AT_ONCE = 16


@dataclass
class Outcome:
    """What was answered, and how long each message took to the gateway; the times are in milliseconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    before: list[float] = field(default_factory=list)
    away: list[float] = field(default_factory=list)
    """Of what was posted while MySQL was away; all of it was at the gateway before MySQL was back."""
    doubles: int = 0
    caught_up_seconds: float = 0.0
    """From MySQL's return until every event's row said that it was carried out."""

    @property
    def slower(self) -> float:
        """How many times as long a message took while MySQL was away, by the medians."""
        return statistics.median(self.away) / statistics.median(self.before)


async def database_outage(stack: Stack, *, rate: int, away_seconds: float) -> Outcome:
    """Stop the stack's MySQL for so long while `rate` invoices a second come in; return once all have their rows."""
    outcome, supervisor = Outcome(), Supervisor(stack.layout)
    async with hub_on(stack) as hub:
        before, outcome.before = await _sent(hub, rate, _BEFORE_SECONDS, outcome)
        await asyncio.to_thread(supervisor.stop, "mysql")
        try:
            away, outcome.away = await _sent(hub, rate, away_seconds, outcome)
        finally:
            await asyncio.to_thread(supervisor.start, "mysql")
    back = time.monotonic()
    await eventually(lambda: ports.is_open(stack.settings().mysql.port), 60, because="MySQL did not come back")
    async with hub_on(stack) as hub:
        await _rows(hub, [*before, *away])
    outcome.caught_up_seconds = time.monotonic() - back
    return outcome


async def _sent(hub: Hub, rate: int, seconds: float, outcome: Outcome) -> tuple[list[str], list[float]]:
    """Post for so long; the ids of the events and their milliseconds, once all of their messages have arrived."""
    run = int.from_bytes(os.urandom(2)) % 1000
    posted = [
        asyncio.create_task(_post(hub, f"55479{run:03d}{number:05d}", number / rate, outcome))
        for number in range(int(rate * seconds))
    ]
    events = await asyncio.gather(*posted)
    slots = asyncio.Semaphore(_LOOKS_AT_ONCE)

    async def took(to: str, began: float) -> float:
        async with slots:
            messages: Sequence[Any] = await eventually(lambda: hub.messages(to), 60, because=f"nothing came to {to}")
        outcome.doubles += len(messages) - 1
        return (float(messages[0]["at"]) - began) * 1000

    return [event for event, _, _ in events], list(await asyncio.gather(*(took(to, began) for _, to, began in events)))


async def _post(hub: Hub, to: str, wait: float, outcome: Outcome) -> tuple[str, str, float]:
    await asyncio.sleep(wait)
    began = time.time()
    answer = await hub.post(invoice(to))
    outcome.statuses[answer.status_code] += 1
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return answer.json()["event_id"], to, began


async def _rows(hub: Hub, events: Sequence[str]) -> None:
    marks = ", ".join(["%s"] * len(events))
    statement = (
        f"SELECT COUNT(*) AS done FROM communication_events WHERE status = 'processed' AND event_id IN ({marks})"  # noqa: S608
    )

    async def are_there() -> bool:
        return [row["done"] for row in await hub.rows(statement, *events)] == [len(events)]

    await eventually(are_there, 120, because="not every event has its row")
