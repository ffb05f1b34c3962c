"""The router, killed between its outputs and its commit while the rules change."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
import pytest

from infra.settings import load
from infra.stack.layout import CHECKOUT
from infra.topics import apply_topics
from schemas.configuration import SENTINEL_KEY, Sentinel, Template
from streams import topics
from tests.agents.test_router import record
from tests.streams.samples_configuration import CHANNEL, OVERDUE, TEMPLATES
from tests.support.topics import delete, read, write
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@dataclass
class Written:
    """A record to write."""

    topic: str
    key: bytes
    value: bytes | None


@pytest.fixture
async def broker(hub_kafka: str) -> AsyncIterator[str]:
    await apply_topics(load(kafka_bootstrap_servers=hub_kafka))
    yield hub_kafka
    await delete(hub_kafka, topics.BY_NAME)


@contextmanager
def router(servers: str, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "tests.agents.worker", servers, *options]
    process = subprocess.Popen(command, cwd=CHECKOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_kill_between_outputs_and_commit_repeats_the_first_decision_byte_for_byte(broker: str) -> None:
    await write(broker, _configuration(TEMPLATES[0]))
    event = record(0)
    await write(broker, [Written(topics.EVENT_NORMALIZED, b"k", event.value)])
    with router(broker, "--die-before-commit") as first:
        await eventually(lambda: first.poll() is not None, 40)
    assert len(await read(broker, topics.COMMAND_OUTBOUND)) == 1

    await write(broker, _configuration(Template(id="overdue", body="{{ name }}: outra coisa", version=6)))
    with router(broker):

        async def said_again() -> bool:
            return len(await read(broker, topics.COMMAND_OUTBOUND)) == 2

        await eventually(said_again, 40)
        later = record(1, idempotency_key="other", event_id="00000000-0000-0000-0000-000000000000")
        await write(broker, [Written(topics.EVENT_NORMALIZED, b"other", later.value)])

        async def went_on() -> bool:
            return len(await read(broker, topics.COMMAND_OUTBOUND)) == 3

        await eventually(went_on, 40)

    commands = [sent for sent in await read(broker, topics.COMMAND_OUTBOUND) if b"outra coisa" not in sent.value]
    assert len(commands) == 2
    assert commands[0].value == commands[1].value
    assert commands[0].headers == commands[1].headers
    accepted = [
        said.value for said in await read(broker, topics.EVENT_ACCEPTED) if b'"idempotency_key":"k"' in said.value
    ]
    assert len(accepted) == 2
    assert len(set(accepted)) == 1


def _configuration(template: Template) -> list[Written]:
    sentinel = msgspec.json.encode(Sentinel(channels=1, templates=1, rules=1))
    return [
        Written(topics.CONFIG_CHANNEL, CHANNEL.id.encode(), msgspec.json.encode(CHANNEL)),
        Written(topics.CONFIG_TEMPLATE, template.id.encode(), msgspec.json.encode(template)),
        Written(topics.CONFIG_RULE, OVERDUE.id.encode(), msgspec.json.encode(OVERDUE)),
        Written(topics.CONFIG_RULE, SENTINEL_KEY, sentinel),
    ]
