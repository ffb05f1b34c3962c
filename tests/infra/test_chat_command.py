"""`posto chat`, as a person types it."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from adapters.mysql.projector import Projector
from infra.cli import app
from infra.conversations import reading, view
from infra.conversations.reading import named
from infra.database import database
from infra.errors import InvalidError, UnknownError
from infra.migrations import migrate
from infra.settings import load
from tests.adapters.mysql.log import CHANNEL, PHONE, Log, at, message

ID = f"{CHANNEL}:554799990001"


def conversation(**fields: Any) -> dict[str, Any]:
    last = {"key": "3EB0", "direction": "inbound", "type": "text", "status": "received", "text": "meu CPF é 123"}
    return {
        "id": ID, "tenant_id": 1, "channel": CHANNEL, "contact": "554799990001", "person": "554799990001",
        "display_name": "Contato A", "status": "open", "state_by": None, "state_reason": None, "unread": 1,
        "assigned_to": "Ana", "assigned_by": "Bia", "last_message_at": at(0), "last_message": last,
        "reply_to": f"{PHONE}@c.us", "obstacle": None, "linked": [f"{CHANNEL}:100000000000001@lid"], **fields,
    }  # fmt: skip


SAID = {
    "conversation_id": ID, "direction": "inbound", "origin": "contact", "status": "received", "type": "ptt",
    "at": at(0), "author": None, "author_name": "Contato A", "author_kind": None, "written_by": None,
    "text": "meu CPF é 123", "attachment": {"media": {"ref": "sha256:ab"}}, "media_state": "ready",
    "media_ref": "sha256:ab", "last_error": None,
}  # fmt: skip


def test_phones_names_and_texts_are_shown_only_where_asked_for() -> None:
    shown = "\n".join(view.whole(view.discreet(conversation()), [view.discreet(SAID)]))
    listed = "\n".join(view.lines([view.discreet(conversation())]))
    for text in (shown, listed):
        assert not re.search(r"9999|CPF|Contato|10000000", text.replace("0001", "")), text
    assert "meu CPF" in "\n".join(view.whole(conversation(), [SAID]))
    assert "[ptt, ready]" in shown


@pytest.fixture
def runner(mysql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("MYSQL_DSN", mysql)
    monkeypatch.setenv("POSTO_LOCAL_DIR", str(tmp_path))
    return CliRunner()


@pytest.mark.integration
async def test_a_conversation_is_named_by_its_id_or_by_whom_it_is_with(mysql: str) -> None:
    settings = load(_env_file=None, mysql_dsn=mysql)
    await migrate(settings)
    db = database(settings)
    try:
        await Projector(db).project([Log().accepted(message())])
        for spelled in (ID, "+55 47 99999-0001", "554799990001@c.us"):
            assert (await named(db, spelled))["id"] == ID
        assert (await named(db, PHONE, "Canal Um"))["id"] == ID
        for wrong, error in (("5547", UnknownError), (f"{CHANNEL}:5547", UnknownError), ("Ana", InvalidError)):
            with pytest.raises(error):
                await named(db, wrong)
        assert [row["id"] for row in await reading.walked(db, {"status": "open"}, 5)] == [ID]
    finally:
        await db.close()


@pytest.mark.integration
def test_the_command_lists_as_json_and_says_what_is_wrong(runner: CliRunner, mysql: str) -> None:
    import asyncio

    asyncio.run(migrate(load(_env_file=None, mysql_dsn=mysql)))
    result = runner.invoke(app, ["chat", "list", "--json", "--status", "open"])
    assert (result.exit_code, msgspec.json.decode(result.stdout)) == (0, [])
    result = runner.invoke(app, ["chat", "show", "5547999990001"])
    assert isinstance(result.exception, UnknownError)
