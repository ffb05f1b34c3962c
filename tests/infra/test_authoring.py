"""Rules and templates changed by the command line: on a real database and a real broker."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.mysql.pool import Database
from infra.cli import app
from infra.database import database
from infra.settings import Settings
from streams import topics
from tests.infra.authored import author_anew, authored_hub, projected
from tests.support.topics import read

pytestmark = pytest.mark.integration

Posto = Callable[..., Awaitable[Result]]


@pytest.fixture(scope="module")
def hub(hub_kafka: str, new_database: Callable[[], str]) -> Iterator[Settings]:
    with authored_hub(hub_kafka, new_database()) as settings:
        yield settings


@pytest.fixture
async def db(hub: Settings) -> AsyncIterator[Database]:
    connected = database(hub, connections=2)
    yield connected
    await connected.close()


@pytest.fixture
async def posto(hub: Settings, db: Database, monkeypatch: pytest.MonkeyPatch) -> Posto:
    """The command in a shell whose settings are the hub's."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", hub.kafka_bootstrap_servers)
    monkeypatch.setenv("MYSQL_DSN", hub.mysql_dsn.get_secret_value())
    await author_anew(hub, db)

    async def run(*arguments: str, stdin: str | None = None) -> Result:
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, list(arguments), input=stdin))

    return run


async def in_force(posto: Posto, what: str = "rules") -> dict[str, int]:
    listed = json.loads((await posto(what, "list", "--json")).stdout)
    return {one["id"]: one["entry"]["version"] for one in listed if one["state"] == "in force"}


async def test_a_rule_from_its_dry_run_to_its_restoration(hub: Settings, db: Database, posto: Posto) -> None:
    fields = ("event_type=a.b", "action=none", "priority=1")
    tried = await posto("rules", "create", "first", *fields, "--dry-run", "--json")
    found = json.loads(tried.stdout)
    assert (found["events"], found["effects"]["sends_less"], len(found["differences"])) == (60, 40, 20)
    assert "5547999990001" not in tried.stdout
    assert "first" not in await in_force(posto)

    made = await posto("rules", "create", "first", *fields, "--by", "Ana", "--why", "too many", "--json")
    assert made.exit_code == 0, made.output
    said = json.loads(made.stdout)[0]
    assert (said["version"], said["fields"]["priority"], said["problem"]) == (1, 1, None)
    assert (await in_force(posto))["first"] == 1
    twice = await posto("rules", "create", "first", *fields)
    assert str(twice.exception) == "There is a rule 'first' already."

    etag = json.loads((await posto("rules", "show", "first", "--json")).stdout)["etag"]
    assert etag == said["etag"]
    await db.execute("UPDATE routing_rules SET priority = 2 WHERE id = 'first'")
    late = await posto("rules", "change", "first", "priority=3", "--if-match", etag)
    assert "Somebody has changed rule 'first' meanwhile: now it is" in str(late.exception)
    assert '"priority": 2' in str(late.exception)
    assert (await posto("rules", "disable", "first")).exit_code == 0
    assert (await posto("rules", "delete", "first", "--by", "Bia")).stdout.startswith("Rule first deleted, version 3.")

    audit = await projected(hub, db, "rule:first")
    assert [(one.action, one.subject, one.detail["fields"]) for one in audit] == [
        ("rule.created", "rule:first", []),
        ("rule.changed", "rule:first", ["is_enabled"]),
        ("rule.deleted", "rule:first", []),
    ]
    versions = json.loads((await posto("rules", "history", "first", "--json")).stdout)
    assert [(one["version"], one["by"], one["reason"]) for one in versions][::2] == [
        (3, "Bia", None),
        (1, "Ana", "too many"),
    ]
    assert versions[0]["entry"] is None
    assert sorted(versions[1]["fields"]) == ["is_enabled", "priority"]
    assert "was the deletion" in str((await posto("rules", "restore", "first", "3")).exception)
    assert (await posto("rules", "restore", "first", "1")).exit_code == 0
    assert (await in_force(posto))["first"] == 4


async def test_what_is_rarely_meant_is_refused_and_nothing_is_done(hub: Settings, posto: Posto) -> None:
    before, audit = await in_force(posto), await read(hub.kafka_bootstrap_servers, topics.AUDIT_CHANGE)
    for fields, code in (
        (("event_type=whatsapp.*", "action=whatsapp", "template=t"), "sends_to_everyone"),
        (("event_type=nobody.sends.it", "action=none"), "matches_nothing"),
        (("event_type=a.*", "action=none"), "matches_nothing"),
    ):
        refused = await posto("rules", "create", "new", *fields)
        assert f"--confirm {code}" in str(refused.exception)
    assert await in_force(posto) == before
    assert len(await read(hub.kafka_bootstrap_servers, topics.AUDIT_CHANGE)) == len(audit)
    meant = await posto(
        "rules", "create", "new", "event_type=nobody.sends.it", "action=none", "--confirm", "matches_nothing"
    )
    assert meant.exit_code == 0, meant.output
    assert meant.stdout.startswith("Rule new saved, version ")


async def test_what_makes_no_sense_is_refused_with_its_place(posto: Posto) -> None:
    for fields, place in (
        (("event_type=a..b", "action=none"), "event_type: must be words"),
        (("event_type=a", "action=fly"), "action: Invalid enum value 'fly'"),
        (("event_type=a", "action=none", 'conditions={"x": {"$gt": []}}'), "conditions.x.$gt"),
        (("event_type=a", "action=none", "colour=red"), "colour: no such field"),
        (("event_type=a", "action=none", "priority=high"), "priority must be JSON"),
        (("event_type=a", "action=whatsapp", "template=none"), "template: 'none' does not exist"),
        (("event_type=a", "action=ai", "target=none"), "target: 'none' does not exist"),
    ):
        refused = await posto("rules", "create", "new", *fields)
        assert place in str(refused.exception), refused.output
    unknown = await posto("rules", "change", "nobody", "priority=1")
    assert str(unknown.exception) == "There is no rule 'nobody'."


async def test_rules_are_put_in_order_as_far_as_priorities_decide_it(db: Database, posto: Posto) -> None:
    for rule in ("x", "y", "z"):
        await db.execute(f"INSERT INTO routing_rules (id, event_type, action) VALUES ('{rule}', 'a.b', 'none')")  # noqa: S608
    await posto("publish")
    done = await posto("rules", "order", "z", "r", "x", "--json")
    assert done.exit_code == 0, done.output
    assert [(one["id"], one["fields"]["priority"]) for one in json.loads(done.stdout)] == [
        ("z", 100),
        ("r", 101),
        ("x", 102),
    ]
    exact = await posto("rules", "order", "s", "r")
    assert "Rule 'r' comes before 's' whatever their priorities are: a.b is more exact than a.*" in str(exact.exception)


async def test_a_template_is_changed_by_what_its_events_have(posto: Posto, tmp_path: Path) -> None:
    text = tmp_path / "new.j2"
    text.write_text("Olá {{ nmae }}")
    refused = await posto("templates", "change", "t", str(text))
    assert "config.template/t: No event of the last 60 that it would be rendered for has nmae" in str(refused.exception)
    text.write_text("Oi {{ name }}")
    tried = await posto("templates", "change", "t", str(text), "--dry-run", "--show", "1", "--show-personal")
    assert "40 of the last 60 events would end otherwise" in tried.stdout
    assert "other_text            40" in tried.stdout
    assert "Oi Ana" in tried.stdout
    assert (await posto("templates", "change", "t", "-", stdin="Oi {{ name }}")).exit_code == 0
    assert "Oi {{ name }}" in (await posto("templates", "show", "t")).stdout
    named = await posto("templates", "delete", "t")
    assert "these rules name it: r; give them another template" in str(named.exception)
    versions = json.loads((await posto("templates", "history", "t", "--json")).stdout)
    assert [one["entry"]["body"] for one in versions[:2]] == ["Oi {{ name }}", "Olá {{ name }}"]
    assert (await posto("templates", "restore", "t", str(versions[1]["version"]))).exit_code == 0
    assert (await in_force(posto, "templates"))["t"] == versions[0]["version"] + 1
