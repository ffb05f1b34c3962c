"""Requests made up from the description: no answer is an error of ours, and none is off the description."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from hypothesis import settings as chosen

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from infra.configuration import publish_configuration
from infra.database import database
from infra.edge import make_app, make_server
from infra.kafka import connection
from infra.settings import Settings, load
from infra.simulator.config import SimulatorConfig
from infra.stack import ports
from streams import topics
from streams.sending.inputs import Sent, Start, Take
from tests.adapters.mysql.log import PHONE, Log, invoice
from tests.infra.admin.conftest import TOKEN
from tests.infra.test_configuration import SEEDS, author
from tests.infra.test_dead_letters import dead
from tests.infra.test_deliveries import DOUBT, Sender, about
from tests.support.gateway import simulated
from tests.support.http import serving

pytestmark = pytest.mark.integration

TOLD = Path(__file__).with_name("fuzzing.toml")
CASES = 3
"""Of each route; forty times as many in a nightly run."""


@pytest.fixture
async def fuzzed(hub: Settings, tmp_path: Path) -> AsyncIterator[str]:
    """The address of an edge whose hub has a little of everything; no worker runs."""
    db = database(hub, connections=2)
    await author(db, *SEEDS)
    await publish_configuration(hub)
    log, sender = Log(), Sender(db)
    doubtful, sent = about(1), about(2)
    await sender.let(doubtful, Take(doubtful), Start(), DOUBT)
    await sender.let(sent, Take(sent), Start(), Sent(1))
    letters = [log.append(topics.DEAD_LETTER, out.value, 0, out.headers) for out in (dead(0), dead(1, "router"))]
    await Projector(db).project([log.accepted(invoice(1)), *letters])
    port = ports.free_port()
    async with simulated(SimulatorConfig(secret="gateway")) as gateway:
        settings = load(
            _env_file=None,
            kafka_bootstrap_servers=hub.kafka_bootstrap_servers,
            mysql_dsn=hub.mysql_dsn,
            posto_partitions=1,
            posto_local_dir=tmp_path,
            posto_admin_token=TOKEN,
            event_ingestion_secret="events",
            pixelhub_whatsapp_webhook_secret="webhook",
            pixelhub_whatsapp_webhook_url=f"http://127.0.0.1:{port}/api/whatsapp/webhook",
            wpp_gateway_base_url=gateway.url,
            wpp_gateway_secret="gateway",
        )
        async with _projecting(hub, db), serving(make_server(make_app(settings)), port) as url:
            yield url
    await db.close()


@asynccontextmanager
async def _projecting(hub: Settings, db: Database) -> AsyncIterator[None]:
    """Let the tables show what is said of conversations: a change is answered once they do."""
    consumer = AIOKafkaConsumer(topics.CONVERSATION_CHANGE, **connection(hub), auto_offset_reset="earliest")
    await consumer.start()

    async def project() -> None:
        projector = Projector(db)
        while True:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                await projector.project(records)

    projecting = asyncio.create_task(project())
    try:
        yield
    finally:
        projecting.cancel()
        await asyncio.gather(projecting, return_exceptions=True)
        await consumer.stop()


@pytest.mark.timeout(3_600)
async def test_no_request_gets_an_error_of_ours_or_an_answer_off_the_description(fuzzed: str, tmp_path: Path) -> None:
    known = {
        "event_id": [invoice(1).event_id],
        "command_id": [about(1).command_id, about(2).command_id],
        "of": [invoice(1).event_id, PHONE],
    }
    told = TOLD.read_text()
    for name, values in known.items():
        where = "query" if name == "of" else "path"
        told += f"\n[dictionaries.{name}]\nvalues = {values}\n"
        told += f'[parameters."{where}.{name}"]\ndictionary = "{name}"\nprobability = 0.7\n'
    (tmp_path / "schemathesis.toml").write_text(told)
    cases = CASES * chosen().max_examples // chosen.get_profile("default").max_examples
    fuzzer = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("schemathesis"), "run", f"{fuzzed}/openapi.json", "--no-color"),
        *("--phases", "fuzzing", "--max-examples", str(cases), "--seed", "1", "--continue-on-failure"),
        *("--suppress-health-check", "filter_too_much"),
        env={**os.environ, "POSTO_FUZZED_TOKEN": TOKEN},
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await fuzzer.communicate()
    assert fuzzer.returncode == 0, said.decode()
