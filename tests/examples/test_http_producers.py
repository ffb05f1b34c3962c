"""Each producer over HTTP sends again, unchanged, what may not have arrived, and names what is wrong."""

import asyncio
import json

import pytest
import tree_sitter_php
from tree_sitter import Language, Parser

from tests.examples.programs import EXAMPLES, OVER_HTTP, run
from tests.support.http import talking

each_program = pytest.mark.parametrize("name", OVER_HTTP)

KEPT = '{"event_id": "e-1", "status": "accepted"}'
WRONG = json.dumps({"title": "Not so.", "detail": "d", "errors": [{"field": "payload", "message": "expected object"}]})


class Edge:
    """Gives its answers one after the other, each a status and a body; None hangs up without one."""

    def __init__(self, *answers: tuple[int, str] | None) -> None:
        self._answers = list(answers)
        self.requests: list[tuple[str, bytes]] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
        self.requests.append((head.splitlines()[0], await reader.readexactly(int(fields["content-length"]))))
        assert fields["authorization"] == "bearer s3cret"
        if answer := self._answers.pop(0):
            status, body = answer
            writer.write(
                f"HTTP/1.1 {status} X\r\nRetry-After: 0\r\nConnection: close\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            await writer.drain()


@each_program
async def test_what_may_not_have_arrived_is_sent_again_unchanged(name: str) -> None:
    edge = Edge((503, "{}"), None, (202, KEPT))
    async with talking(edge.talk) as url:
        ended = await run(EXAMPLES / name, "INV-1", "5547999990001", env=_env(url))
    assert ended.code == 0, ended.errors
    assert json.loads(ended.out) == json.loads(KEPT)
    assert len(edge.requests) == 3
    assert len(set(edge.requests)) == 1
    sent = json.loads(edge.requests[0][1])
    assert edge.requests[0][0] == "POST /api/events HTTP/1.1"
    assert (sent["external_id"], sent["payload"]["phone"]) == ("INV-1", "5547999990001")


@each_program
async def test_what_is_wrong_is_named_and_not_sent_again(name: str) -> None:
    edge = Edge((422, WRONG))
    async with talking(edge.talk) as url:
        ended = await run(EXAMPLES / name, "INV-1", "5547999990001", env=_env(url))
    assert (ended.code, ended.out, len(edge.requests)) == (1, "", 1)
    assert ended.errors.splitlines()[-2:] == ["422 Not so.", "  payload: expected object"]


def _env(url: str) -> dict[str, str]:
    return {"EDGE": url, "EVENT_INGESTION_SECRET": "s3cret"}


def test_the_php_example_is_php() -> None:
    parser = Parser(Language(tree_sitter_php.language_php()))
    source = (EXAMPLES / "php" / "http_producer.php").read_bytes()
    assert not parser.parse(source).root_node.has_error
    assert parser.parse(source.replace(b"try {", b"try (", 1)).root_node.has_error
