"""Who may ask what."""

import httpx
import pytest

from adapters.mysql.pool import Database
from infra import tokens
from infra.errors import ConflictError, InvalidError, UnknownError
from infra.settings import Settings, load
from tests.infra.admin.conftest import TOKEN, Taken, asking

pytestmark = pytest.mark.integration

LIST = "/api/admin/events"


async def test_without_a_token_nothing_is_read_and_the_answer_says_what_to_send(settings: Settings) -> None:
    async with asking(settings, token=None) as client:
        answer = await client.post(f"{LIST}/x", content=b"{no json")

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "posto tokens create" in answer.json()["detail"]
    assert answer.json()["trace_id"]


@pytest.mark.parametrize("token", ["wrong", "posto_wrong", "\xff", "x" * 5_000])
async def test_an_unknown_token_is_nobodys(settings: Settings, token: str) -> None:
    async with asking(settings, token=None) as client:
        answer = await client.get(LIST, headers={b"authorization": b"Bearer " + token.encode("latin-1")})

    assert answer.status_code == 401


async def test_a_token_is_valid_until_it_is_revoked_and_its_name_is_given_once(
    settings: Settings, db: Database, producer: Taken
) -> None:
    token = await tokens.create(db, producer, "painel", tokens.READ, by="Ana")
    kept = await db.fetch("SELECT * FROM admin_tokens")
    async with asking(settings, token) as client:
        valid = await client.get(LIST)
        await tokens.revoke(db, producer, "painel", by="Rui")
        revoked = await client.get(LIST)

    assert (valid.status_code, revoked.status_code) == (200, 401)
    assert token not in str(kept)
    assert [(change.action, change.actor, change.subject) for change in producer.changes] == [
        ("token.created", "Ana", "token:painel"),
        ("token.revoked", "Rui", "token:painel"),
    ]
    with pytest.raises(ConflictError):
        await tokens.create(db, producer, "painel", tokens.ADMIN, by="Ana")
    with pytest.raises(ConflictError):
        await tokens.revoke(db, producer, "painel", by="Rui")
    with pytest.raises(UnknownError):
        await tokens.revoke(db, producer, "nobody", by="Rui")


async def test_who_may_only_look_starts_no_dry_run(settings: Settings, db: Database, producer: Taken) -> None:
    looking = await tokens.create(db, producer, "mural", tokens.READ, by="Ana")
    acting = await tokens.create(db, producer, "turno", tokens.OPERATE, by="Ana")
    for token, status in ((looking, 403), (acting, 503)):  # there is no Kafka here
        async with asking(settings, token) as client:
            assert (await client.post("/api/admin/dry-runs", json={})).status_code == status


@pytest.mark.parametrize(("name", "scope"), [("", "read"), ("admin", "read"), ("a\nb", "read"), ("x", "root")])
async def test_names_and_scopes_that_make_no_sense_are_refused(
    db: Database, producer: Taken, name: str, scope: str
) -> None:
    with pytest.raises(InvalidError):
        await tokens.create(db, producer, name, scope, by="Ana")


async def test_the_edge_answers_503_while_mysql_is_away() -> None:
    away = load(_env_file=None, posto_admin_token=TOKEN, mysql_dsn="mysql://u:p@127.0.0.1:9/d")
    async with asking(away) as client:
        answers = [await client.get(LIST), await client.get(LIST, headers={"Authorization": "Bearer posto_x"})]

    for answer in answers:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "MySQL" in answer.json()["detail"]


async def test_a_path_that_does_not_exist_is_a_problem_too(api: httpx.AsyncClient) -> None:
    answers = [await api.get("/api/admin/nothing"), await api.put(LIST)]

    assert [answer.status_code for answer in answers] == [404, 405]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
