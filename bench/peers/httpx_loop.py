"""Messages to a gateway by httpx as its documentation has it: one client, tasks that each send one after the other.

`python -m bench.peers.httpx_loop URL SECRET CONNECTIONS FILE`; a line of the file is the messages of one channel.
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvloop

from bench.peers.task import Meter


async def work(client: httpx.AsyncClient, channels: Iterator[list[dict[str, Any]]]) -> None:
    """Take one channel after the other, and send what it has."""
    for messages in channels:
        for message in messages:
            response = await client.post("/api/messages", json=message)
            response.raise_for_status()
            assert response.json()["success"]


async def main(url: str, secret: str, connections: int, lines: list[bytes]) -> None:
    """So many tasks share the channels."""
    channels = iter([msgspec.json.decode(line) for line in lines])
    meter = Meter(len(lines))
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with (
        httpx.AsyncClient(base_url=url, headers={"X-Gateway-Secret": secret}, limits=limits, timeout=30) as client,
        asyncio.TaskGroup() as tasks,
    ):
        meter.begin()
        for _ in range(connections):
            tasks.create_task(work(client, channels))
    meter.tell()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]).read_bytes().splitlines()))
