"""The self-probe of the webhook: a body with a one-time nonce, posted to its address as the gateway would post it.

It came in once the very same body lies in `raw.webhook`: so the address leads to an edge of this hub, the secret that
the gateway is given is accepted there, and what is posted is kept. That the gateway can reach the address too shows in
the first webhook of its own, at the latest in the ack of the test message.
"""

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx
import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from adapters.gateway.tls import tls_context
from infra.errors import AwayError
from infra.kafka import connection, started
from infra.patience import kafka_of, patiently
from infra.settings import Settings
from streams import topics
from streams.normalization.noise import PROBE

ANSWER_SECONDS: Final = 10.0
"""How long the address may take to answer: the gateway's engine waits no longer."""
ARRIVAL_SECONDS: Final = 10.0
"""How long the body may take from the answer into the topic; longer where the edge spools."""

_KAFKA_SECONDS: Final = 10.0


class Webhook(NamedTuple):
    """The address that the gateway is told, and the secret that it is to send there: None where the edge wants none."""

    url: str
    secret: str | None

    @property
    def shown(self) -> str:
        """The address without what nobody need read: a login in it, and all after `?`."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def webhook_of(settings: Settings) -> Webhook:
    """Where webhooks go, as the settings say; of several secrets that are valid, the first."""
    return Webhook(settings.pixelhub_whatsapp_webhook_url, next(iter(settings.webhook_secrets), None))


class WebhookTroubleError(AwayError):
    """What is posted to the webhook's address does not arrive; the message says where it ends and what to do."""


async def probe(settings: Settings, webhook: Webhook, channel: str | None) -> str:
    """Post one probe and return once it came in, with its place in the log; WebhookTroubleError where it does not."""
    nonce = uuid4().hex
    body = msgspec.json.encode(
        {"event": PROBE, "channel": channel, "nonce": nonce, "timestamp": int(datetime.now(UTC).timestamp())}
    )
    try:
        reader = await patiently(_reader(settings), _KAFKA_SECONDS, kafka_of(settings))
        try:
            await _post(webhook, body)
            async with asyncio.timeout(ARRIVAL_SECONDS):
                return await _arrived(reader, body)
        except TimeoutError:
            raise WebhookTroubleError(
                f"{webhook.shown} took the probe, and within {ARRIVAL_SECONDS:g} s it did not arrive in "
                f"{topics.RAW_WEBHOOK} of {kafka_of(settings)}: the address leads to another hub, or its edge is cut "
                "off from Kafka (`posto doctor`)."
            ) from None
        finally:
            await reader.stop()
    except KafkaError as error:
        raise WebhookTroubleError(f"The probe cannot be looked for in Kafka: {error}.") from None


async def _reader(settings: Settings) -> Any:
    """A consumer of the topic that stands at its end."""
    kafka = connection(settings)
    consumer = await started(
        lambda: AIOKafkaConsumer(topics.RAW_WEBHOOK, **kafka, enable_auto_commit=False, fetch_max_wait_ms=50)
    )
    await consumer.seek_to_end()  # and not at the first look, which comes after the post
    return consumer


async def _post(webhook: Webhook, body: bytes) -> None:
    secret = {"X-Webhook-Secret": webhook.secret} if webhook.secret else {}
    headers = {"Content-Type": "application/json", **secret}
    url = webhook.shown
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False, verify=tls_context()) as client:
            status = (await client.post(webhook.url, content=body, headers=headers)).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = str(error) or type(error).__name__
        raise WebhookTroubleError(
            f"{url} does not answer: {said}. Start the edge (`posto edge`), or correct PIXELHUB_WHATSAPP_WEBHOOK_URL: "
            "it is the address under which the gateway reaches the edge."
        ) from None
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise WebhookTroubleError(
            f"{url} refuses the secret (status {status}). Give the edge and this process the same "
            "PIXELHUB_WHATSAPP_WEBHOOK_SECRET; while it is rotated, the new one comes first."
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise WebhookTroubleError(
            f"{url} does not take it now (status {status}): the edge is overloaded, or a proxy in front of it does not "
            "reach it. `posto doctor` says more; then do the same again."
        )
    if status != HTTPStatus.ACCEPTED:
        raise WebhookTroubleError(
            f"{url} is no webhook of this hub (status {status}): PIXELHUB_WHATSAPP_WEBHOOK_URL must end in "
            "/api/whatsapp/webhook and lead to the edge."
        )


async def _arrived(reader: Any, body: bytes) -> str:
    while True:
        for place, records in (await reader.getmany(timeout_ms=100)).items():
            for record in records:
                if record.value == body:
                    return f"{place.topic}/{place.partition}@{record.offset}"


__all__ = ["ANSWER_SECONDS", "ARRIVAL_SECONDS", "WebhookTroubleError", "probe"]
