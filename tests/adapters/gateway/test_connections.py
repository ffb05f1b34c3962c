"""Which connection a request to the gateway takes, and what becomes of it afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.gateway import GatewayClient, Unknown, connections
from tests.support.http import talking
from tests.support.waiting import eventually

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"success":true}'


class Gateway:
    """Answers all requests once so many wait; `open_now` are the connections that the client holds."""

    def __init__(self) -> None:
        self.at_once = 1
        self.made = 0
        self.open_now = 0
        self.breaks = False
        self._waiting: list[asyncio.StreamWriter] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until the client closes it."""
        self.made += 1
        self.open_now += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                [length] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int(length.partition(b":")[2]))
                if self.breaks:
                    return
                self._waiting.append(writer)
                if len(self._waiting) >= self.at_once:
                    for each in self._waiting:
                        each.write(ANSWER)
                    self._waiting.clear()
        except asyncio.IncompleteReadError:
            pass
        finally:
            self.open_now -= 1


@asynccontextmanager
async def client(gateway: Gateway) -> AsyncIterator[GatewayClient]:
    async with talking(gateway.talk) as url, GatewayClient(url, "s") as client:
        yield client


async def send(client: GatewayClient, count: int = 1) -> None:
    await asyncio.gather(*(client.send_text("Canal Um", "5547999990001", "oi") for _ in range(count)))


async def test_requests_that_follow_each_other_share_a_connection() -> None:
    gateway = Gateway()
    async with client(gateway) as gateway_client:
        for _ in range(5):
            await send(gateway_client)
        assert gateway.made == 1


async def test_requests_at_once_have_a_connection_each() -> None:
    gateway = Gateway()
    gateway.at_once = 5
    async with client(gateway) as gateway_client:
        await send(gateway_client, 5)
        await send(gateway_client, 5)
        assert gateway.made == 5


async def test_connections_that_are_needed_no_more_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway()
    gateway.at_once = 5
    async with client(gateway) as gateway_client:
        await send(gateway_client, 5)
        gateway.at_once = 1
        monkeypatch.setattr(connections, "KEEPALIVE_SECONDS", 0.05)

        async def is_one_left() -> bool:
            await send(gateway_client)
            return gateway.open_now == 1

        await eventually(is_one_left)


async def test_a_connection_that_broke_off_is_not_used_again() -> None:
    gateway = Gateway()
    async with client(gateway) as gateway_client:
        gateway.breaks = True
        with pytest.raises(Unknown):
            await send(gateway_client)
        gateway.breaks = False
        await send(gateway_client)
        assert gateway.made == 2


async def test_a_client_that_is_closed_leaves_no_connection_open() -> None:
    gateway = Gateway()
    gateway.at_once = 3
    async with client(gateway) as gateway_client:
        await send(gateway_client, 3)
        await gateway_client.aclose()
        await eventually(lambda: gateway.open_now == 0)
