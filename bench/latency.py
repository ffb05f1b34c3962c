"""From `POST /api/events` to the request that the gateway sees, one event at a time."""

import os
import statistics
from time import time

import httpx

from bench.result import Result
from tests.support.stack import Stack
from tests.support.waiting import eventually

EVENTS = 200
WANTED_MS = 100.0


async def measure(stack: Stack, *, quick: bool) -> list[Result]:
    """Send invoices one after the other, each when the one before has reached the gateway.

    Checked: each makes exactly one message. Both ends read the clock of this machine.
    """
    total = EVENTS // 5 if quick else EVENTS
    secret = {"Authorization": f"Bearer {stack.env['EVENT_INGESTION_SECRET']}"}
    waits = []
    async with httpx.AsyncClient(timeout=30) as http:
        for number in range(total):
            to = f"55479{os.getpid() % 1000:03d}{number:05d}"
            began = time()
            answer = await http.post(f"{stack.edge}/api/events", json=_invoice(to), headers=secret)
            answer.raise_for_status()

            async def arrived(to: str = to) -> list[dict[str, str]]:
                found = await http.get(f"{stack.simulator}/_sim/messages", params={"to": to})
                messages: list[dict[str, str]] = found.json()["messages"]
                return messages

            [message] = await eventually(arrived, 30, interval=0.005)
            waits.append((float(message["at"]) - began) * 1000)
    ordered = sorted(waits)
    name = f"POST /api/events to the gateway's POST, idle, {total} events"
    return [
        Result("latency", f"{name}, median", statistics.median(ordered), "ms", at_most=WANTED_MS),
        Result("latency", f"{name}, p99", ordered[int(len(ordered) * 0.99)], "ms"),
    ]


def _invoice(to: str) -> dict[str, object]:
    return {
        "source_system": "bench",
        "event_type": "billing.invoice.overdue",
        "external_id": f"latency-{to}",
        "tenant_id": 1,
        "payload": {"phone": to, "name": "Ana", "amount": 10, "due_date": "2026-01-10"},
    }
