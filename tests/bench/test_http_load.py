"""The driver asks one thing after the other, and knows an answer whole, however it arrives."""

import asyncio
import json
from collections import Counter

from bench.http_load import Caller, Load

ANSWER = b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class Wire(asyncio.Transport):
    """Keeps what is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.asked.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True


def caller() -> tuple[Load, Wire, Caller]:
    load, wire = Load("edge", "/hook", "s"), Wire()
    made = Caller(load, "canal", asyncio.get_running_loop().create_future())
    made.connection_made(wire)
    return load, wire, made


async def test_each_request_has_600_bytes_with_the_next_number_of_its_channel() -> None:
    _, wire, made = caller()
    made.data_received(ANSWER)
    numbers = []
    for asked in wire.asked:
        head, body = asked.split(b"\r\n\r\n")
        assert b"\r\nContent-Length: 600" in head
        assert len(body) == 600
        told = json.loads(body)
        numbers.append(told["id"])
        assert told["session"] == "canal"
    assert numbers == ["false_5547999990001@c.us_3EB0000000000001", "false_5547999990001@c.us_3EB0000000000002"]


async def test_an_answer_in_pieces_is_one_answer() -> None:
    load, wire, made = caller()
    for byte in ANSWER:
        made.data_received(bytes([byte]))
    assert (load.statuses, load.answers) == (Counter({"202": 1}), [("canal", 1, b"{}")])
    assert len(wire.asked) == 2


async def test_a_connection_that_ends_before_the_load_does_is_counted() -> None:
    load, wire, made = caller()
    made.connection_lost(None)
    load.is_over = True
    made.data_received(ANSWER)
    made.connection_lost(None)
    assert load.statuses == Counter({"closed": 1, "202": 1})
    assert wire.is_closed
