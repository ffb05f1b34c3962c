"""The example producers on a running hub: an invoice told twice is one message."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.hub import Hub, number, unique
from tests.examples.programs import EXAMPLES, OVER_HTTP, run

pytestmark = pytest.mark.e2e

_NPM = ("--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0")


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Node examples with what they need, installed by npm."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: kafka_producer.mjs is not run")
    folder = tmp_path_factory.mktemp("node") / "node"
    shutil.copytree(EXAMPLES / "node", folder, ignore=shutil.ignore_patterns("node_modules"))
    if subprocess.run(["npm", "ping", "--fetch-retries=0"], cwd=folder, capture_output=True).returncode:
        pytest.skip("npm reaches no registry: kafka_producer.mjs is not run")
    done = subprocess.run(["npm", "ci", *_NPM], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", [*OVER_HTTP, "python/kafka_producer.py"])
async def test_an_invoice_told_twice_is_one_message(hub: Hub, name: str) -> None:
    await _twice(hub, EXAMPLES / name)


async def test_an_invoice_told_twice_from_node_straight_to_kafka_is_one_message(hub: Hub, node_folder: Path) -> None:
    await _twice(hub, node_folder / "kafka_producer.mjs")


async def _twice(hub: Hub, program: Path) -> None:
    invoice, to = unique("INV"), number()
    env = {
        "EDGE": hub.stack.edge,
        "EVENT_INGESTION_SECRET": hub.stack.env["EVENT_INGESTION_SECRET"],
        "KAFKA_BOOTSTRAP_SERVERS": hub.stack.kafka,
    }
    for _ in range(2):
        ended = await run(program, invoice, to, env=env)
        assert ended.code == 0, ended.errors
        assert json.loads(ended.out)
    key = f"examples|{invoice}|billing.invoice.overdue|overdue_3d"
    find = "SELECT * FROM communication_events WHERE idempotency_key = %s"
    row = await hub.row(find, key, check=lambda row: row["duplicates"] == 1)
    await hub.row("SELECT status FROM outbound_messages WHERE event_id = %s", row["event_id"], check=_has_left)
    assert len(await hub.messages(to)) == 1


def _has_left(row: dict[str, str]) -> bool:
    return row["status"] in ("sent", "delivered", "read")
