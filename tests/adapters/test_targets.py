"""Posts to targets, on real sockets."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from typing import Any

import pytest

from adapters.targets import MAX_ANSWER_BYTES, Answered, TargetBusyError, TargetRefusedError, Targets
from tests.support.http import receiving, refusing, talking

LOOPBACK = (ip_network("127.0.0.0/8"),)


def saying(answer: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A server that says this, whatever it is asked."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return talk


async def post(url: str, networks: Any = LOOPBACK, within: float = 5.0) -> Answered:
    async with Targets(networks, most=2) as targets:
        return await targets.post(url, b'{"a": 1}', {"webhook-id": "one"}, within)


async def test_the_body_and_the_headers_arrive_and_the_answer_comes_back() -> None:
    async with receiving() as inbox:
        assert await post(inbox.url) == Answered(202, b"")
    assert inbox.received == [{"a": 1}]


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            TargetRefusedError,
            "redirect",
        ),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", TargetRefusedError, "http_404"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", TargetBusyError, "http_500"),
        (b"HTTP/1.1 408 No\r\nContent-Length: 0\r\n\r\n", TargetBusyError, "http_408"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_ANSWER_BYTES + 1), TargetRefusedError, "answer_too_large"),
        (b"nonsense\r\n\r\n", TargetBusyError, "unreachable"),
        (b"", TargetBusyError, "unreachable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", TargetBusyError, "unreachable"),
    ],
    ids=["redirect", "404", "500", "408", "large", "nonsense", "hang-up", "half"],
)
async def test_whatever_else_a_target_says_is_an_error_of_its_class(
    answer: bytes, error: type[Exception], reason: str
) -> None:
    async with talking(saying(answer)) as url:
        with pytest.raises(error) as raised:
            await post(url)
    assert raised.value.reason == reason  # type: ignore[attr-defined]


async def test_retry_after_is_told() -> None:
    answer = b"HTTP/1.1 429 Slow\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n"
    async with talking(saying(answer)) as url:
        with pytest.raises(TargetBusyError) as raised:
            await post(url)
    assert raised.value.retry_after == 17.0


async def test_a_target_that_drips_is_given_up_in_time() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        hung_up = asyncio.ensure_future(reader.read())
        while not hung_up.done():
            writer.write(b" ")
            await writer.drain()
            await asyncio.wait({hung_up}, timeout=0.01)

    async with talking(drip) as url:
        with pytest.raises(TargetBusyError) as raised:
            await post(url, within=0.2)
    assert raised.value.reason == "timeout"


@pytest.mark.parametrize("value", ["pedido-é", " 1", "1 ", "a\nb"])
async def test_a_header_that_cannot_be_sent_is_refused_and_nothing_is_sent(value: str) -> None:
    async with receiving() as inbox, Targets(LOOPBACK, most=2) as targets:
        with pytest.raises(TargetRefusedError) as raised:
            await targets.post(inbox.url, b"{}", {"X-Request-Id": value}, 5.0)
    assert raised.value.reason == "bad_request"
    assert inbox.bodies == []


async def test_nobody_at_the_address_is_an_error_to_be_tried_again() -> None:
    with refusing() as url, pytest.raises(TargetBusyError) as raised:
        await post(url)
    assert raised.value.reason == "unreachable"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"])
async def test_an_address_in_a_private_range_is_refused_before_anything_is_sent(host: str) -> None:
    async with receiving() as inbox:
        port = inbox.url.rpartition(":")[2]
        with pytest.raises(TargetRefusedError) as raised:
            await post(f"http://{host}:{port}", networks=())
    assert raised.value.reason == "address_refused"
    assert inbox.bodies == []


async def test_a_name_that_turns_private_after_it_was_looked_at_is_refused_when_it_is_connected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    answers = ["93.184.216.34", "127.0.0.1"]

    async def rebinding(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0) if len(answers) > 1 else answers[0], port))]

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    async with receiving() as inbox, Targets((), most=2) as targets:
        port = int(inbox.url.split(":")[2].partition("/")[0])
        await loop.getaddrinfo("rebinding.example", port)  # who looked before it was connected
        with pytest.raises(TargetRefusedError, match=r"127\.0\.0\.1"):
            await targets.post(f"http://rebinding.example:{port}/", b"{}", {}, 2.0)
    assert inbox.bodies == []


async def test_of_several_addresses_the_first_that_is_allowed_and_answers_is_connected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def several(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("10.0.0.1", "127.0.0.2", "127.0.0.1")
        ]

    async with receiving() as inbox:
        port = int(inbox.url.split(":")[2].partition("/")[0])
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", several)
        assert (await post(f"http://several.example:{port}/hook")).status == 202
    assert len(inbox.bodies) == 1
