"""Only who knows a secret may post; what is wrong about the secret is all that a stranger learns."""

import hmac

import httpx
import pytest

from adapters.edge import authentication
from adapters.edge.authentication import Secrets
from adapters.edge.problems import ProblemError
from adapters.edge.settings import EdgeSettings
from tests.adapters.edge.recording import EVENT_SECRET, WEBHOOK_SECRET, RecordingLog, client

WEBHOOK = "/api/whatsapp/webhook"
EVENTS = "/api/events"


@pytest.mark.parametrize("path", [WEBHOOK, EVENTS])
async def test_without_a_secret_nothing_is_kept_and_the_answer_names_the_header(
    stranger: httpx.AsyncClient, log: RecordingLog, path: str
) -> None:
    answer = await stranger.post(path, json={})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"]
    assert "Secret" in answer.json()["detail"]
    assert log.entries == []


@pytest.mark.parametrize(
    ("path", "header"),
    [
        (WEBHOOK, {"X-Webhook-Secret": "wrong"}),
        (WEBHOOK, {"X-Gateway-Secret": WEBHOOK_SECRET[:-1]}),
        (WEBHOOK, {"X-Webhook-Secret": EVENT_SECRET}),
        (EVENTS, {"Authorization": "Bearer wrong"}),
        (EVENTS, {"X-Event-Secret": EVENT_SECRET + "x"}),
        (EVENTS, {"X-Event-Secret": WEBHOOK_SECRET}),
    ],
)
async def test_a_wrong_secret_is_forbidden_and_nothing_is_kept(
    stranger: httpx.AsyncClient, log: RecordingLog, path: str, header: dict[str, str]
) -> None:
    answer = await stranger.post(path, json={}, headers=header)
    assert answer.status_code == 403
    assert EVENT_SECRET not in answer.text
    assert log.entries == []


@pytest.mark.parametrize("authorization", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", EVENT_SECRET])
async def test_an_authorization_that_is_no_bearer_is_no_secret(stranger: httpx.AsyncClient, authorization: str) -> None:
    answer = await stranger.post(EVENTS, json={}, headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="events"'


@pytest.mark.parametrize(
    ("path", "header"),
    [
        (WEBHOOK, {"X-Webhook-Secret": WEBHOOK_SECRET}),
        (WEBHOOK, {"X-Gateway-Secret": WEBHOOK_SECRET}),
        (WEBHOOK, {"X-Webhook-Secret": "stale", "X-Gateway-Secret": WEBHOOK_SECRET}),
        (EVENTS, {"Authorization": f"bearer {EVENT_SECRET}"}),
        (EVENTS, {"X-Event-Secret": EVENT_SECRET}),
        (EVENTS, {"Authorization": "Basic cHJveHk6cHJveHk=", "X-Event-Secret": EVENT_SECRET}),
    ],
)
async def test_the_right_secret_opens_in_each_header(
    stranger: httpx.AsyncClient, path: str, header: dict[str, str]
) -> None:
    body = {"source_system": "erp", "event_type": "order.paid"}
    assert (await stranger.post(path, json=body, headers=header)).status_code == 202


async def test_old_and_new_secret_are_both_good_while_one_is_rotated(log: RecordingLog) -> None:
    settings = EdgeSettings(webhook_secrets=("old", "new"), ingestion_secrets=(EVENT_SECRET,))
    async with client(log, settings=settings) as gateway:
        answers = [await gateway.post(WEBHOOK, json={}, headers={"X-Webhook-Secret": s}) for s in ("old", "new", "ol")]
    assert [answer.status_code for answer in answers] == [202, 202, 403]


async def test_without_a_configured_secret_the_webhook_is_open(log: RecordingLog) -> None:
    settings = EdgeSettings(webhook_secrets=(), ingestion_secrets=(EVENT_SECRET,))
    async with client(log, settings=settings) as gateway:
        assert (await gateway.post(WEBHOOK, json={})).status_code == 202


def test_an_edge_without_an_ingestion_secret_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="ingestion secret"):
        EdgeSettings(webhook_secrets=(), ingestion_secrets=())


def test_every_accepted_secret_is_compared_in_constant_time_even_after_a_hit(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def remember(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(authentication, "compare_digest", remember)
    Secrets(("first", "second", "third"), ("X-Secret",), "X").check({b"x-secret": b"first"})
    assert compared == [(b"first", b"first"), (b"first", b"second"), (b"first", b"third")]


def test_a_secret_may_have_any_character() -> None:
    secrets = Secrets(("señha-✓",), ("X-Secret",), "X")
    secrets.check({b"x-secret": "señha-✓".encode()})
    with pytest.raises(ProblemError):
        secrets.check({b"x-secret": b"\xff\xfe"})
