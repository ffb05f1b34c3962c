"""From the webhook of a question to the reply at the gateway, beside what the responder itself took."""

import itertools
import time
from collections.abc import Sequence
from statistics import median
from typing import Final

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench.channels import channels, delivered, forget_messages, messages
from bench.open_loop import play
from bench.result import Result
from infra.simulator.envelopes import message_envelope
from infra.simulator.state import Message, SimulatedChannel
from tests.e2e.hub import Hub, hub_on
from tests.support.http import serving
from tests.support.stack import Stack
from tests.support.waiting import eventually

RATES: Final = (5, 50)
SECONDS: Final = 20.0
_WARM_UP_SECONDS: Final = 15.0
_CHANNELS: Final = 10
_MOST_MS: Final = 300.0
_TARGET: Final = "bench-responder"
_RUNS: Final = itertools.count(10)


class Responder:
    """Answers each question with its number, and knows how long it had it."""

    def __init__(self) -> None:
        self.took: dict[int, float] = {}

    async def answer(self, request: Request) -> Response:
        began = time.time()
        text = (await request.json())["data"]["payload"]["text"]
        answer = JSONResponse({"replies": [{"text": f"Resposta {text}"}]})
        self.took[_number(text)] = time.time() - began
        return answer


async def measure(stack: Stack, *, quick: bool) -> list[Result]:
    """Post webhooks of customers who each ask once, at a rate; checked: each question gets one reply."""
    seconds = SECONDS / 4 if quick else SECONDS
    responder = Responder()
    app = Starlette(routes=[Route("/", responder.answer, methods=["POST"])])
    config = uvicorn.Config(app, log_level="warning", access_log=False, ws="none", lifespan="off")
    results = []
    async with (
        hub_on(stack) as hub,
        channels(hub, _CHANNELS) as names,
        serving(uvicorn.Server(config)) as url,
    ):
        await _author(hub, url)
        try:
            await _waits(hub, responder, names, RATES[-1], _WARM_UP_SECONDS / 4 if quick else _WARM_UP_SECONDS)
            for rate in RATES:
                waits = await _waits(hub, responder, names, rate, seconds)
                name = f"webhook to reply at the gateway, without the responder's own time, {rate}/s"
                results.append(Result("ai", f"{name}, median", median(waits), "ms", at_most=_MOST_MS))
                results.append(Result("ai", f"{name}, p99", sorted(waits)[int(len(waits) * 0.99)], "ms"))
        finally:
            await hub.rows("DELETE FROM routing_rules WHERE id = %s", _TARGET)
            await hub.rows("DELETE FROM http_targets WHERE name = %s", _TARGET)
            await hub.publish()
    return results


async def _author(hub: Hub, url: str) -> None:
    await hub.rows("INSERT INTO http_targets (name, url) VALUES (%s, %s)", _TARGET, url)
    await hub.rows(
        "INSERT INTO routing_rules (id, event_type, action, target, priority) "
        "VALUES (%s, 'whatsapp.inbound.message', 'ai', %s, 1)",
        _TARGET,
        _TARGET,
    )
    await hub.publish()


async def _waits(hub: Hub, responder: Responder, names: Sequence[str], rate: int, seconds: float) -> list[float]:
    """Milliseconds of each question, from when it was due to be posted."""
    await forget_messages(hub)
    responder.took.clear()
    run, total = next(_RUNS), int(rate * seconds)
    edge = hub.stack.env["POSTO_EDGE_PORT"]
    requests = [_request(hub, names[number % len(names)], run, number) for number in range(total)]
    due, _ = await play(int(edge), requests, rate)

    async def have_arrived() -> bool:
        return await delivered(hub) >= total

    await eventually(have_arrived, 60, interval=0.2)
    reached = {_number(message["text"]): float(message["at"]) for message in await messages(hub)}
    assert len(reached) == await delivered(hub) == total, f"{len(reached)} questions were answered, not {total}"
    return [(reached[number] - moment - responder.took[number]) * 1000 for number, moment in enumerate(due)]


def _request(hub: Hub, channel: str, run: int, number: int) -> bytes:
    """The webhook of a question, in the shape in which the simulator tells one."""
    chat = f"5547{run:02d}{number:07d}@c.us"
    message = Message(
        id=f"false_{chat}_3EB0{run:08X}{number:08X}",
        channel=channel,
        chat=chat,
        to=channel,
        from_me=False,
        type="chat",
        text=f"#{number}",
        at=time.time(),
    )
    body = msgspec.json.encode(message_envelope(message, SimulatedChannel(id=channel, status="connected")))
    secret = hub.stack.env["PIXELHUB_WHATSAPP_WEBHOOK_SECRET"]
    lines = [
        "POST /api/whatsapp/webhook HTTP/1.1",
        "Host: hub",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"X-Webhook-Secret: {secret}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _number(text: str) -> int:
    return int(text.rpartition("#")[2])
