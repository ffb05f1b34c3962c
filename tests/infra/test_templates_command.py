"""`posto templates`: what is in force, and what one makes of a payload."""

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
from infra.settings import Settings
from tests.infra.test_configuration import SEEDS, author

pytestmark = pytest.mark.integration

Posto = Callable[..., Awaitable[Result]]
BILL = {"name": "Ana", "due_date": "2026-01-15"}


@pytest.fixture
async def templates(hub: Settings, db: Database, monkeypatch: pytest.MonkeyPatch) -> Posto:
    """`posto templates` in a shell whose settings are the hub's, with templates and rules in force."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", hub.kafka_bootstrap_servers)
    monkeypatch.setenv("MYSQL_DSN", hub.mysql_dsn.get_secret_value())
    await author(
        db,
        *SEEDS,
        "UPDATE tenants SET time_zone = 'Asia/Tokyo' WHERE id = 7",
        "INSERT INTO message_templates (name, body) VALUES ('bill', '{{ name }}: {{ stage }}')",
    )
    await publish_configuration(hub)

    async def run(*arguments: str, stdin: dict[str, Any] | None = None) -> Result:
        given = None if stdin is None else json.dumps(stdin)
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["templates", *arguments], input=given))

    return run


async def test_a_text_is_shown_with_its_time_stage_and_length(templates: Posto) -> None:
    done = await templates("render", "bill", "-", "--at", "2026-01-18", stdin=BILL)
    assert done.stdout.splitlines() == [
        "bill v1 as of 2026-01-18 09:00 America/Sao_Paulo, stage overdue_3d, 3 days after the due date",
        "15 of 4,096 characters",
        "  Ana: overdue_3d",
    ]
    late = await templates("render", "bill", "-", "--at", "2026-01-18T20:00:00", "--tenant", "7", "--json", stdin=BILL)
    assert [(one["days_overdue"], one["time_zone"]) for one in json.loads(late.stdout)] == [(4, "Asia/Tokyo")]


async def test_all_stages_are_shown_one_after_the_other(templates: Posto) -> None:
    done = await templates("render", "bill", "-", "--stage", "all", "--json", stdin=BILL)
    assert [(one["days_overdue"], one["text"]) for one in json.loads(done.stdout)] == [
        (-3, "Ana: pre_due"),
        (-1, "Ana: pre_due"),
        (0, "Ana: due_day"),
        (1, "Ana: overdue_1d"),
        (3, "Ana: overdue_3d"),
        (7, "Ana: overdue_7d"),
        (15, "Ana: overdue_15d"),
    ]


async def test_what_is_missing_is_said_and_ends_with_1(templates: Posto, tmp_path: Path) -> None:
    body = tmp_path / "new.j2"
    body.write_text("{{ name }} {{ city }} {{ plan }}")
    done = await templates("render", "new", "-", "--body", str(body), stdin=BILL)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[1:] == [
        "  no text: variable 'city' is missing",
        "  the payload does not have: city, plan",
    ]


@pytest.mark.parametrize(
    ("arguments", "payload", "said"),
    [
        (["nothing", "-"], BILL, "No template 'nothing' is in force; there are: bill, t"),
        (["bill", "-", "--stage", "never"], BILL, "--stage never: no such stage; there are pre_due, due_day"),
        (["bill", "-", "--stage", "due_day"], {"name": "Ana"}, "The payload has no due date, hence no stage"),
        (["bill", "-", "--stage", "due_day", "--at", "2026-01-15"], BILL, "Give --stage or --at, not both"),
    ],
)
async def test_what_cannot_be_previewed_is_one_sentence(
    templates: Posto, arguments: list[str], payload: dict[str, Any], said: str
) -> None:
    done = await templates("render", *arguments, stdin=payload)
    assert isinstance(done.exception, OperatorError)
    assert str(done.exception).startswith(said)


async def test_templates_are_listed_with_the_rules_that_name_them(db: Database, templates: Posto) -> None:
    listed = await templates("list")
    assert [line.split() for line in listed.stdout.splitlines()[1:]] == [
        ["bill", "1", "in", "force", "23"],
        ["t", "1", "in", "force", "14", "r"],
    ]
    assert listed.exit_code == 0
    await author(db, "UPDATE message_templates SET body = '{% if %}' WHERE name = 'bill'")
    refused = await templates("list", "--json")
    assert refused.exit_code == 1
    assert [(one["id"], one["state"]) for one in json.loads(refused.stdout)] == [
        ("bill", "outdated"),
        ("t", "in force"),
    ]
