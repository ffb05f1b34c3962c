"""`python -m bench.http_load`: webhooks from many connections, each asking again as soon as it is answered.

One line of JSON comes out, and every answer goes to a file. It is a process of its own, and no HTTP library: a request
is bytes made beforehand around a number, an answer is cut at its declared length. That costs a third of what the
leanest server of a race spends on a request, so the driver waits for the server and not the other way round:
`driver_cpu`, how much of a core it took, says whether that holds.
"""

import argparse
import asyncio
import json
import re
import time
from array import array
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Final, cast

import uvloop

_BODY_BYTES: Final = 600
_BODY: Final = (
    b'{"event":"onmessage","session":"%b","id":"false_5547999990001@c.us_3EB0%012d","body":"%b","type":"chat",'
    b'"t":1768512935,"from":"5547999990001@c.us","to":"554733330000@c.us","fromMe":false,"ack":1,"isGroupMsg":false,'
    b'"sender":{"id":"5547999990001@c.us","pushname":"Contato A","isMe":false}}'
)
_length: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE).search


class Load:
    """One run: what is asked, until when, and what was answered."""

    def __init__(self, host: str, path: str, secret: str) -> None:
        self.head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"X-Webhook-Secret: {secret}\r\nContent-Length: {_BODY_BYTES}\r\n\r\n"
        ).encode()
        self.is_over = False
        self.is_counting = False
        self.waits = array("d")
        self.statuses: Counter[str] = Counter()
        self.answers: list[tuple[str, int, bytes]] = []


class Caller(asyncio.Protocol):
    """One connection, with a channel of its own."""

    def __init__(self, load: Load, channel: str, ended: asyncio.Future[None]) -> None:
        self._load = load
        self._channel = channel
        self._ended = ended
        self._asked = 0.0
        self._number = 0
        self._got = b""
        text = b"x" * (_BODY_BYTES - len(_BODY % (channel.encode(), 0, b"")))
        before, mark, after = (_BODY % (channel.encode(), 0, text)).partition(b"_3EB0")
        self._before, self._after = load.head + before + mark, after[len(b"%012d" % 0) :]
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Take an answer, or a part of one."""
        self._got += data
        head, blank, body = self._got.partition(b"\r\n\r\n")
        if not blank:
            return
        length = _length(head + b"\r\n")
        if length is None or len(body) < int(length[1]):
            return
        self._got = b""
        self._answered(head[9:12].decode(), body)

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that closes a connection owes an answer."""
        if not self._load.is_over:
            self._load.statuses["closed"] += 1
        if not self._ended.done():
            self._ended.set_result(None)

    def _ask(self) -> None:
        self._number += 1
        self._asked = time.perf_counter()
        self._transport.write(b"%b%012d%b" % (self._before, self._number, self._after))

    def _answered(self, status: str, body: bytes) -> None:
        load = self._load
        load.statuses[status] += 1
        load.answers.append((self._channel, self._number, body))
        if load.is_counting:
            load.waits.append(time.perf_counter() - self._asked)
        if load.is_over:
            self._transport.close()
        else:
            self._ask()


async def _run(options: argparse.Namespace) -> tuple[Load, dict[str, object]]:
    load = Load(f"127.0.0.1:{options.port}", options.path, options.secret)
    loop = asyncio.get_running_loop()
    ended = [loop.create_future() for _ in range(options.connections)]
    for number, end in enumerate(ended):
        channel = f"bench-{options.run}-{number:03d}"
        await loop.create_connection(partial(Caller, load, channel, end), "127.0.0.1", options.port)
    await asyncio.sleep(options.warm_up)
    load.is_counting = True
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(options.seconds)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    load.is_counting = False
    load.is_over = True
    await asyncio.wait(ended, timeout=10)
    waits = sorted(load.waits)
    return load, {
        "requests": len(waits),
        "seconds": seconds,
        "rate": len(waits) / seconds,
        "p50_ms": waits[len(waits) // 2] * 1000,
        "p99_ms": waits[int(len(waits) * 0.99)] * 1000,
        "most_ms": waits[-1] * 1000,
        "statuses": dict(load.statuses),
        "driver_cpu": cpu / seconds,
    }


def main() -> None:
    """Run once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/api/whatsapp/webhook")
    parser.add_argument("--secret", default="")
    parser.add_argument("--run", default="run", help="names the channels of this run")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--warm-up", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--answers", help="file that gets a line for each answer: channel, number, body")
    options = parser.parse_args()
    load, figures = uvloop.run(_run(options))
    if options.answers:
        lines = (f"{channel} {number} {body.decode()}\n" for channel, number, body in load.answers)
        Path(options.answers).write_text("".join(lines))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
