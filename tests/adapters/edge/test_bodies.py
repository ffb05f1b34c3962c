"""Bodies are read to a limit each, and to one for all together."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from adapters.edge.bodies import BodyReader
from adapters.edge.metrics import Metrics
from adapters.edge.problems import OVERLOADED, READ_TIMEOUT, TOO_LARGE, Kind, ProblemError
from adapters.edge.settings import EdgeSettings
from tests.adapters.edge.recording import EVENT_SECRET, SETTINGS, RecordingLog, client
from tests.support.waiting import eventually

PATH = "/api/events"


class Chunks:
    """An ASGI `receive` that gives chunks one by one; after the last it waits until it is told to end."""

    def __init__(self, chunks: Iterable[bytes], ends: bool = True) -> None:
        self._chunks = list(chunks)
        self._ends = ends
        self.received = 0
        self.disconnect = asyncio.Event()

    async def __call__(self) -> Message:
        if self.received == len(self._chunks):
            await self.disconnect.wait()
            return {"type": "http.disconnect"}
        chunk = self._chunks[self.received]
        self.received += 1
        return {"type": "http.request", "body": chunk, "more_body": self.received < len(self._chunks) or not self._ends}


def reader(settings: EdgeSettings) -> BodyReader:
    return BodyReader(settings, Metrics(RecordingLog()))


async def read(reader: BodyReader, receive: Chunks) -> bytes:
    async with reader.body({}, receive) as body:
        return body


async def refused(reader: BodyReader, receive: Chunks) -> Kind:
    with pytest.raises(ProblemError) as caught:
        await read(reader, receive)
    return caught.value.kind


async def test_a_body_in_chunks_is_put_together() -> None:
    assert await read(reader(SETTINGS), Chunks([b"a", b"", b"bc", b"d"])) == b"abcd"


async def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not() -> None:
    limited = reader(replace(SETTINGS, max_body_bytes=10))
    assert await read(limited, Chunks([b"12345", b"67890"])) == b"1234567890"
    assert await read(limited, Chunks([b"1234567890"])) == b"1234567890"
    assert await refused(limited, Chunks([b"12345", b"678901"])) == TOO_LARGE
    assert await refused(limited, Chunks([b"12345678901"])) == TOO_LARGE


async def test_reading_stops_at_the_limit_however_much_is_sent() -> None:
    endless = Chunks([b"x" * 1000] * 1000)
    assert await refused(reader(replace(SETTINGS, max_body_bytes=2500)), endless) == TOO_LARGE
    assert endless.received == 3


async def test_a_declared_length_above_the_limit_is_refused_unread() -> None:
    receive = Chunks([b"x"])
    with pytest.raises(ProblemError) as caught:
        async with reader(replace(SETTINGS, max_body_bytes=10)).body({b"content-length": b"11"}, receive):
            pass
    assert (caught.value.kind, caught.value.limit, receive.received) == (TOO_LARGE, 10, 0)


async def test_a_body_that_never_ends_is_given_up() -> None:
    impatient = reader(replace(SETTINGS, read_timeout_seconds=0.05))
    assert await refused(impatient, Chunks([b"x"], ends=False)) == READ_TIMEOUT


async def test_bodies_under_way_are_bounded_together_and_make_room_when_they_end() -> None:
    shared = reader(replace(SETTINGS, max_reading_bytes=100))
    slow = Chunks([b"x" * 80], ends=False)
    reading = asyncio.create_task(read(shared, slow))
    await eventually(lambda: slow.received == 1)
    assert await refused(shared, Chunks([b"y" * 10, b"y" * 20])) == OVERLOADED
    slow.disconnect.set()
    with pytest.raises(ClientDisconnect):
        await reading
    assert await read(shared, Chunks([b"y" * 50, b"y" * 50])) == b"y" * 100


async def test_a_body_takes_its_room_until_its_request_ends() -> None:
    shared = reader(replace(SETTINGS, max_reading_bytes=100))
    async with shared.body({}, Chunks([b"x" * 80])):
        assert await refused(shared, Chunks([b"y" * 30])) == OVERLOADED
        assert await read(shared, Chunks([b"y" * 20])) == b"y" * 20
    assert await read(shared, Chunks([b"y" * 100])) == b"y" * 100


async def test_requests_under_way_are_bounded_and_one_too_many_is_refused_unread() -> None:
    shared = reader(replace(SETTINGS, max_requests=1))
    async with shared.body({}, Chunks([b"x"])):
        unread = Chunks([b"y"])
        assert await refused(shared, unread) == OVERLOADED
        assert unread.received == 0
    assert await read(shared, Chunks([b"y"])) == b"y"


@pytest.mark.parametrize("declared", [True, False])
async def test_seventeen_megabytes_are_too_large_with_and_without_a_declared_length(
    producer: httpx.AsyncClient, log: RecordingLog, declared: bool
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 1_000_000

    content = b" " * 17_000_000 if declared else chunks()
    answer = await producer.post(PATH, content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["limit"]) == (413, 16_777_216)
    assert "16777216 bytes" in answer.json()["detail"]
    assert log.entries == []


async def test_a_compressed_body_is_refused_with_what_is_taken_instead(
    producer: httpx.AsyncClient, log: RecordingLog
) -> None:
    answer = await producer.post(PATH, content=b"{}", headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    assert log.entries == []


async def test_a_secret_is_asked_for_before_a_body_is_read(log: RecordingLog) -> None:
    async with client(log, settings=replace(SETTINGS, max_body_bytes=10)) as stranger:
        assert (await stranger.post(PATH, content=b"x" * 100)).status_code == 401
        answer = await stranger.post(PATH, content=b"x" * 100, headers={"X-Event-Secret": EVENT_SECRET})
        assert answer.status_code == 413
