"""Two days of traffic, 99 of 100 webhooks technical noise: every message arrives once, noise leaves no trace."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from infra.simulator import mix
from infra.simulator.mix import NOISE, Planned, What
from streams import identity, keys, topics
from streams.normalization import webhooks
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord
from tests.e2e.hub import CHANNEL, SECOND_CHANNEL, Hub, second_session
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(480)]

SEED = 48
RATE = 200
"""Webhooks a second, for a minute and a half."""
DIRECTIONS = {What.INBOUND: "inbound", What.OWN: "outbound"}
LONGEST_ROW = 30_000
"""Bytes: more than any text of the mix, less than any voice note."""


@pytest.fixture
async def both_sessions(hub: Hub) -> AsyncIterator[None]:
    """The channels of the mix, each of a tenant of its own."""
    assert mix.CHANNELS == (CHANNEL, SECOND_CHANNEL)
    async with second_session(hub):
        yield


async def test_two_days_of_traffic_are_their_messages_and_nothing_else(hub: Hub, both_sessions: None) -> None:
    planned = mix.make(SEED)
    noise_before, letters_before, seen_before = await hub.noise(), await _dead_letters(hub), await _remembered(hub)

    arguments = ("simulate", "--mix", "--seed", str(SEED), "--rate", str(RATE))
    played = await asyncio.to_thread(hub.stack.posto, *arguments)

    assert played.returncode == 0, played.stdout + played.stderr
    result = json.loads(played.stdout)
    assert result["outcomes"] == {"202": len(planned)}
    assert result["posted"] / result["seconds"] > RATE * 0.95
    for what, direction in DIRECTIONS.items():
        said = {each.message_key for each in planned if each.what is what}
        rows = await _messages(hub, said)
        assert Counter(row["message_key"] for row in rows) == Counter(said)
        assert {row["direction"] for row in rows} == {direction}
        assert {(row["message_key"], row["text"]) for row in rows if row["type"] == "text"} == _texts(planned, what)
    assert await hub.noise() - noise_before == _noise_of(planned)
    assert await _dead_letters(hub) == letters_before
    assert await _remembered(hub) - seen_before == _facts(planned)
    assert await _largest_row(hub) < LONGEST_ROW


async def _messages(hub: Hub, said: set[str | None]) -> list[dict[str, Any]]:
    """The rows of messages, once every one has its content."""
    marks = ", ".join(["%s"] * len(said))
    statement = f"SELECT * FROM messages WHERE event_revision > 0 AND message_key IN ({marks})"  # noqa: S608

    async def are_there() -> list[dict[str, Any]]:
        rows = await hub.rows(statement, *said)
        missing = said - {row["message_key"] for row in rows}
        assert not missing, f"not in MySQL: {missing}"
        return rows

    found: list[dict[str, Any]] = await eventually(are_there, 60)
    return found


def _texts(planned: list[Planned], what: What) -> set[tuple[str | None, str]]:
    shown = [(each.message_key, each.body["raw"]["payload"]) for each in planned if each.what is what]
    return {(key, payload["body"]) for key, payload in shown if payload["type"] == "chat" and "body" in payload}


def _noise_of(planned: list[Planned]) -> Counter[tuple[str, str]]:
    return Counter((identity.canonical_channel(each.channel), str(each.what)) for each in planned if each.what in NOISE)


async def _dead_letters(hub: Hub) -> int:
    return len(await hub.records(topics.DEAD_LETTER, lambda record: True))


async def _remembered(hub: Hub) -> set[bytes]:
    """The keys of the router's table."""
    return {record.key for record in await hub.records("posto-seen-changelog", lambda record: record.value is not None)}


def _facts(planned: list[Planned]) -> set[bytes]:
    """The keys of what was played and is no noise."""
    found = set()
    for offset, each in enumerate(planned):
        raw = RawRecord.of(topics.RAW_WEBHOOK, 0, offset, 0)
        normalized = webhooks.normalize(msgspec.json.encode(each.body), raw)
        if not isinstance(normalized, Noise):
            found |= {keys.id_bytes(each.event.event_id) for each in normalized}
    return found


async def _largest_row(hub: Hub) -> int:
    """How long the longest content is that MySQL holds."""
    [row] = await hub.rows(
        "SELECT GREATEST((SELECT MAX(LENGTH(payload)) FROM communication_events), "
        "(SELECT MAX(COALESCE(LENGTH(text), 0) + COALESCE(LENGTH(attachment), 0)) FROM messages)) AS size"
    )
    return int(row["size"])
