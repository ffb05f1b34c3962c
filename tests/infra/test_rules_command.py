"""`posto rules`: what is in force, and what it makes of an event."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from adapters.mysql.pool import Database
from infra.cli import app
from infra.configuration import publish_configuration
from infra.errors import OperatorError
from infra.in_force import read_in_force
from infra.settings import Settings, load
from tests.infra.test_configuration import SEEDS, author

pytestmark = pytest.mark.integration

Posto = Callable[..., Awaitable[Result]]
EVENT: dict[str, Any] = {
    "source_system": "erp",
    "event_type": "a.b",
    "external_id": "7",
    "tenant_id": 7,
    "payload": {"phone": "5547999990001", "name": "Ana", "amount": 5},
}


@pytest.fixture
async def rules(hub: Settings, db: Database, monkeypatch: pytest.MonkeyPatch) -> Posto:
    """`posto rules` in a shell whose settings are the hub's."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", hub.kafka_bootstrap_servers)
    monkeypatch.setenv("MYSQL_DSN", hub.mysql_dsn.get_secret_value())
    await author(db, *SEEDS)

    async def run(*arguments: str, stdin: dict[str, Any] | None = None) -> Result:
        given = None if stdin is None else json.dumps(stdin)
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["rules", *arguments], input=given))

    return run


async def test_an_event_is_tried_against_what_is_in_force(hub: Settings, db: Database, rules: Posto) -> None:
    await author(
        db,
        "INSERT INTO routing_rules (id, event_type, action, priority, conditions) "
        "VALUES ('dear', 'a.b', 'none', 1, '{\"payload.amount\": {\"$gt\": 100}}')",
        "INSERT INTO routing_rules (id, event_type, action) VALUES ('elsewhere', 'x.y', 'none')",
    )
    await publish_configuration(hub)
    done = await rules("test", "-", stdin=EVENT)
    assert done.stdout.splitlines() == [
        "event     a.b of erp, key erp|7|a.b",
        "  ✓ r v1: wins, it comes before s, which matches too",
        "  · s v1: matches too, a.* is less exact than a.b",
        "  ✗ dear v1: no, its condition does not hold",
        "      conditions.payload.amount.$gt: wanted 100, found 5",
        "decision  accepted: whatsapp, tenant 7, channel canalum",
        "message   to 5547999990001 by template t v1, 7 characters",
        "  Olá Ana",
    ]
    assert done.exit_code == 0
    assert "elsewhere" in (await rules("test", "-", "--all", stdin=EVENT)).stdout


async def test_a_rule_is_tried_before_it_is_in_force(hub: Settings, rules: Posto, tmp_path: Path) -> None:
    await publish_configuration(hub)
    new = tmp_path / "new.json"
    new.write_text('{"id": "new", "event_type": "a.b", "action": "none", "priority": 1}')
    tried = await rules("test", "-", "--rule", str(new), stdin=EVENT)
    assert "✓ new: wins, it comes before r, which matches too" in tried.stdout
    new.write_text('{"id": "new", "event_type": "a.b", "action": "fly"}')
    refused = await rules("test", "-", "--rule", str(new), stdin=EVENT)
    assert "would be refused: action: " in str(refused.exception)


async def test_what_would_not_be_carried_out_ends_with_1(hub: Settings, rules: Posto) -> None:
    await publish_configuration(hub)
    holed = {**EVENT, "payload": {"phone": "5547999990001"}}
    rejected = await rules("test", "-", "--json", stdin=holed)
    assert rejected.exit_code == 1
    said = json.loads(rejected.stdout)
    assert (said["kind"], said["command"]) == ("rejected", None)
    assert said["decision"]["reason"] == "template 't': variable 'name' is missing"
    assert [(one["rule"], one["fate"]) for one in said["rules"]] == [("r", "wins"), ("s", "beaten")]
    nobody = await rules("test", "-", stdin={**EVENT, "event_type": "nobody.knows"})
    assert nobody.exit_code == 1
    assert "no rule is for such an event" in nobody.stdout
    foreign = await rules("test", "-", stdin={**EVENT, "channel": "Outro"})
    assert (foreign.exit_code, "belongs to no tenant" in foreign.stdout) == (1, True)


async def test_rules_are_listed_with_version_and_state(hub: Settings, db: Database, rules: Posto) -> None:
    await publish_configuration(hub)
    listed = await rules("list")
    assert listed.exit_code == 0
    assert [line.split()[:4] for line in listed.stdout.splitlines()[1:]] == [
        ["r", "1", "in", "force"],
        ["s", "1", "in", "force"],
    ]
    await author(db, "UPDATE routing_rules SET event_type = 'a..b' WHERE id = 'r'")
    refused = await rules("list", "--json")
    assert refused.exit_code == 1
    first = json.loads(refused.stdout)[0]
    assert (first["state"], first["entry"]["event_type"]) == ("outdated", "a.b")
    assert first["reason"].startswith("event_type: ")


async def test_before_the_first_complete_publication_it_says_so(rules: Posto) -> None:
    done = await rules("test", "-", stdin=EVENT)
    assert isinstance(done.exception, OperatorError)
    assert "No complete configuration was published yet" in str(done.exception)


async def test_topics_that_are_missing_are_said_at_once(hub_kafka: str) -> None:
    elsewhere = load(_env_file=None, kafka_bootstrap_servers=hub_kafka)
    with pytest.raises(OperatorError, match=r"no topic config\..*`posto topics apply`"):
        await read_in_force(elsewhere, 30)
