"""The probe says where what is posted to the webhook's address ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import TopicPartition

from infra.channels import probe as module
from infra.channels.probe import Webhook, WebhookTroubleError, probe, webhook_of
from infra.settings import Settings, load
from tests.support.http import Inbox, receiving

SETTINGS = load(_env_file=None)


class _Record:
    offset = 5

    def __init__(self, value: bytes) -> None:
        self.value = value


class Log:
    """Stands for the consumer at the end of raw.webhook: what the inbox took arrives, if the edge is ours."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.is_ours = True
        self.is_stopped = False

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[_Record]]:
        await asyncio.sleep(0)
        arrived = [_Record(b'{"event":"message"}'), *map(_Record, self.inbox.bodies if self.is_ours else [])]
        return {TopicPartition("raw.webhook", 3): arrived}

    async def stop(self) -> None:
        self.is_stopped = True


@pytest.fixture
async def log(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Log]:
    async with receiving() as inbox:
        opened = Log(inbox)

        async def reader(_: Settings) -> Any:
            return opened

        monkeypatch.setattr(module, "_reader", reader)
        inbox.status = 202
        yield opened
        assert opened.is_stopped


async def test_a_probe_that_comes_in_names_its_place(log: Log) -> None:
    place = await probe(SETTINGS, Webhook(log.inbox.url, "new"), "Padaria Sol")
    assert place == "raw.webhook/3@5"
    (body,) = log.inbox.received
    assert (body["event"], body["channel"], log.inbox.secrets) == ("posto.probe", "Padaria Sol", ["new"])
    await probe(SETTINGS, Webhook(log.inbox.url, "new"), None)
    assert log.inbox.received[0]["nonce"] != log.inbox.received[1]["nonce"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "refuses the secret"),
        (403, "refuses the secret"),
        (404, "is no webhook of this hub"),
        (200, "is no webhook of this hub"),
        (302, "is no webhook of this hub"),
        (503, "does not take it now"),
        (504, "does not take it now"),
    ],
)
async def test_what_the_address_answers_is_explained(log: Log, status: int, said: str) -> None:
    log.inbox.status = status
    with pytest.raises(WebhookTroubleError, match=f"{said}.*{status}") as caught:
        await probe(SETTINGS, Webhook(log.inbox.url, "not-to-be-shown"), "Padaria Sol")
    assert "not-to-be-shown" not in str(caught.value)


async def test_an_address_that_does_not_answer_is_named_without_its_login(log: Log) -> None:
    webhook = Webhook("http://user:login@127.0.0.1:9/api/whatsapp/webhook?key=hidden", None)
    with pytest.raises(
        WebhookTroubleError, match=r"^http://127.0.0.1:9/api/whatsapp/webhook does not answer"
    ) as caught:
        await probe(SETTINGS, webhook, "Padaria Sol")
    assert "login" not in str(caught.value)
    assert "hidden" not in str(caught.value)


async def test_an_edge_of_another_hub_is_found_out(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ARRIVAL_SECONDS", 0.05)
    log.is_ours = False
    with pytest.raises(WebhookTroubleError, match=r"did not arrive in raw\.webhook"):
        await probe(SETTINGS, Webhook(log.inbox.url, None), "Padaria Sol")


def test_the_gateway_is_given_the_first_of_the_secrets() -> None:
    several = load(_env_file=None, pixelhub_whatsapp_webhook_secret="new, old")
    assert webhook_of(several).secret == "new"
    assert webhook_of(SETTINGS).secret is None
