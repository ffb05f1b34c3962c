"""The question that is asked right before a message."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from adapters.preconditions import MAX_ANSWER_BYTES, Preconditions
from streams.sending.inputs import Answer, Moot, NotSent, Withheld
from tests.streams.sending.world import command
from tests.support.http import talking

UNAVAILABLE = "precondition_unavailable"


class Shop:
    """A system that is asked; `answer` is the raw HTTP that it says, None hangs."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.heard = b""
        self.url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += await reader.readuntil(b"\r\n\r\n")
        if self.answer is None:
            await asyncio.Event().wait()
        writer.write(self.answer or b"")
        await writer.drain()

    async def ask(self, patience: float = 5) -> Answer | None:
        async with Preconditions([httpx.URL(self.url).host], patience) as still_holds:
            return await still_holds(command(precondition_url=f"{self.url}/unpaid/7001?key=geheim"), 2)


@asynccontextmanager
async def shop(answer: bytes | None) -> AsyncIterator[Shop]:
    it = Shop(answer)
    async with talking(it.talk) as it.url:
        yield it


def said(status: int, body: bytes = b"", *headers: bytes) -> bytes:
    head = b"\r\n".join([b"HTTP/1.1 %d X" % status, b"Content-Length: %d" % len(body), b"Connection: close", *headers])
    return head + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (said(204), None),
        (said(200, b'{"holds": true}'), None),
        (said(200, b'{"holds": true, "why": "unpaid"}'), None),
        (said(200, b'{"holds": false}'), Moot(2)),
        (said(404, b"<html>"), Moot(2)),
        (said(410), Moot(2)),
    ],
)
async def test_yes_and_no_are_understood(answer: bytes, expected: Answer | None) -> None:
    async with shop(answer) as asked:
        assert await asked.ask() == expected
    assert asked.heard.startswith(b"GET /unpaid/7001?key=geheim HTTP/1.1")


@pytest.mark.parametrize(
    "answer",
    [
        said(200),
        said(200, b"true"),
        said(200, b'{"holds": "true"}'),
        said(200, b'{"holds": null}'),
        said(200, b'{"holds": false' + b" " * MAX_ANSWER_BYTES + b"}"),
        said(200, b"\xff\xfe"),
        said(202, b'{"holds": false}'),
        said(302, b"", b"Location: http://127.0.0.1:1/other"),
        said(401),
        said(500, b'{"holds": false}'),
        b"nonsense\r\n\r\n",
        b"",
    ],
)
async def test_anything_else_is_no_answer_and_is_asked_again_later(answer: bytes) -> None:
    async with shop(answer) as asked:
        found = await asked.ask()
    assert isinstance(found, NotSent)
    assert (found.attempt, found.reason) == (2, UNAVAILABLE)
    assert "geheim" not in str(found)


async def test_who_does_not_answer_in_time_or_is_away_gave_no_answer() -> None:
    async with shop(None) as asked:
        slow = await asked.ask(patience=0.05)
    away = await asked.ask()
    for found in (slow, away):
        assert isinstance(found, NotSent)
        assert found.reason == UNAVAILABLE


async def test_an_answer_that_never_ends_is_cut_by_the_time_for_all_of_it() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)  # the peer's slowness, not a wait of the test

    async with talking(drip) as url, Preconditions(["127.0.0.1"], 0.1) as still_holds:
        found = await still_holds(command(precondition_url=url), 1)
    assert isinstance(found, NotSent)


async def test_a_host_that_nobody_named_is_not_asked_and_the_fact_says_what_to_set() -> None:
    async with shop(said(204)) as asked, Preconditions([], 5) as still_holds:
        found = await still_holds(command(precondition_url=asked.url), 1)
    assert isinstance(found, Withheld)
    assert found.reason == "precondition_not_allowed"
    assert "POSTO_PRECONDITION_HOSTS" in (found.message or "")
    assert asked.heard == b""


async def test_a_command_with_nothing_to_ask_asks_nothing() -> None:
    async with Preconditions([], 5) as still_holds:
        assert await still_holds(command(), 1) is None
