"""From `POST /api/events` to the request that the gateway sees, at a rate; what is late counts from when it was due."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from bench.channels import channels, delivered, forget_messages, messages, tenant_of
from bench.open_loop import play
from bench.result import Result
from tests.e2e.hub import Hub, hub_on
from tests.support.stack import Stack
from tests.support.waiting import eventually

CHANNELS: Final = 50
RATE, SECONDS = 200, 20.0
QUIET_RATE: Final = 10
STEPS: Final = (250, 300, 350, 400, 450, 500, 600, 700, 800, 1_000, 1_250, 1_500, 2_000)
STEP_SECONDS: Final = 8.0
_WARM_UP_SECONDS: Final = 30.0
"""A broker that has just started takes three times the processor time of one that has run for half a minute."""
_P50_MS, _P99_MS, _MOST_P99_MS = 30.0, 120.0, 300.0
_ARRIVE_WITHIN: Final = 60.0
_CONTACTS: Final = 20
"""Of each channel."""


@dataclass(frozen=True)
class Waits:
    """Milliseconds from when each event was due to be posted to when the gateway had its message, in order."""

    values: Sequence[float]

    def at(self, share: float) -> float:
        """The wait that so many of all do not exceed."""
        return self.values[int(len(self.values) * share)]


async def measure(stack: Stack, *, quick: bool) -> list[Result]:
    """Post invoices for 50 channels at a rate, and then at higher and higher ones.

    An open loop: a request leaves when it is due, whatever became of those before. The gateway sends no webhooks
    meanwhile. Checked: each event makes one message. Both ends read the clock of this machine.
    """
    seconds = SECONDS / 4 if quick else SECONDS
    async with hub_on(stack) as hub, channels(hub, CHANNELS) as names:
        await _waits(hub, names, RATE, _WARM_UP_SECONDS / 4 if quick else _WARM_UP_SECONDS)
        quiet = await _waits(hub, names, QUIET_RATE, seconds)
        usual = await _waits(hub, names, RATE, seconds)
        highest = 0
        for rate in (RATE, *STEPS):
            waits = await _waits(hub, names, rate, STEP_SECONDS / 2 if quick else STEP_SECONDS)
            if waits.at(0.99) > _MOST_P99_MS:
                break
            highest = rate
    name = f"POST /api/events to the gateway's POST, {CHANNELS} channels"
    most = f"the highest rate with a p99 of at most {_MOST_P99_MS:g} ms (0: none)"
    return [
        Result("latency", f"{name}, {RATE}/s, median", usual.at(0.5), "ms", at_most=_P50_MS),
        Result("latency", f"{name}, {RATE}/s, p99", usual.at(0.99), "ms", at_most=_P99_MS),
        Result("latency", f"{name}, {QUIET_RATE}/s, median", quiet.at(0.5), "ms"),
        Result("latency", f"{name}, {QUIET_RATE}/s, p99", quiet.at(0.99), "ms"),
        Result("latency", f"{name}, {most}", highest, "events/s"),
    ]


async def _waits(hub: Hub, names: Sequence[str], rate: int, seconds: float) -> Waits:
    """Post events for so long, and wait for all of their messages."""
    await forget_messages(hub)
    run, total = os.urandom(4).hex(), int(rate * seconds)
    edge = urlsplit(hub.stack.edge)
    requests = [_request(edge.netloc, hub.secret, _invoice(run, number, names)) for number in range(total)]
    due, statuses = await play(edge.port or 80, requests, rate)
    assert statuses == Counter({"202": total}), statuses

    async def have_arrived() -> bool:
        return await delivered(hub) >= total

    await eventually(have_arrived, _ARRIVE_WITHIN, interval=0.2)
    reached = await _reached(hub, total)
    return Waits(sorted((reached[number] - moment) * 1000 for number, moment in enumerate(due)))


async def _reached(hub: Hub, total: int) -> dict[int, float]:
    """When the message of each event reached the gateway, by its number."""
    found = await messages(hub)
    reached = {int(message["text"].rpartition("#")[2]): float(message["at"]) for message in found}
    assert len(found) == len(reached) == total, f"{len(found)} messages of {len(reached)} events, not of {total}"
    return reached


def _invoice(run: str, number: int, names: Sequence[str]) -> dict[str, Any]:
    channel, contact = names[number % len(names)], number // len(names) % _CONTACTS
    return {
        "source_system": "bench",
        "event_type": "billing.invoice.overdue",
        "external_id": f"latency-{run}-{number}",
        "tenant_id": tenant_of(channel),
        "payload": {
            "phone": f"5547920{contact:06d}",
            "message": f"Bench #{number}",
        },
    }


def _request(host: str, secret: dict[str, str], event: dict[str, Any]) -> bytes:
    body = msgspec.json.encode(event)
    headers = {"Host": host, "Content-Type": "application/json", "Content-Length": str(len(body)), **secret}
    lines = ["POST /api/events HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body
