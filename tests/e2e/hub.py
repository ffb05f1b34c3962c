"""A running hub as the tests see it from outside: HTTP, Kafka, the gateway simulator and MySQL."""

import asyncio
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiomysql
import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from infra.stack.supervision import Supervisor
from tests.support.stack import Stack
from tests.support.waiting import eventually

CHANNEL = "Canal Um"
TENANT = 1
SECOND_CHANNEL = "Canal Dois"
_SECOND_TENANT = 4_848
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def number() -> str:
    """A fresh synthetic phone, so that a test finds its own messages alone."""
    return f"55479{10_000_000 + int.from_bytes(os.urandom(4)) % 89_999_999}"


def unique(prefix: str) -> str:
    """An id that no other test has; of letters, for a row of digits might be masked as a phone."""
    return f"{prefix}-{os.urandom(6).hex().translate(_LETTERS)}"


def invoice(to: str, **fields: Any) -> dict[str, Any]:
    """An overdue invoice of the demo tenant."""
    event = {
        "source_system": "billing",
        "event_type": "billing.invoice.overdue",
        "external_id": unique("INV"),
        "tenant_id": TENANT,
        "payload": {
            "phone": to,
            "name": "Ana",
            "service": "Internet 300 Mega",
            "amount": 1234.56,
            "due_date": "2026-01-10",
            "payment_link": "https://pay.example/abc",
        },
    }
    return event | fields


class Hub:
    """The addresses of a stack, with clients."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient, database: Any, producer: AIOKafkaProducer) -> None:
        self.stack = stack
        self.http = http
        self.producer = producer
        self._database = database

    @property
    def secret(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.stack.env['EVENT_INGESTION_SECRET']}"}

    async def post(self, body: Any, **more: Any) -> httpx.Response:
        """POST /api/events with the secret; a dict or list as JSON, bytes as they are."""
        headers = {"Content-Type": "application/json", **self.secret, **more.pop("headers", {})}
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.http.post(f"{self.stack.edge}/api/events", content=content, headers=headers, **more)

    async def webhook(self, body: Any) -> httpx.Response:
        """POST the webhook with its secret."""
        headers = {"X-Webhook-Secret": self.stack.env["PIXELHUB_WHATSAPP_WEBHOOK_SECRET"]}
        return await self.http.post(f"{self.stack.edge}/api/whatsapp/webhook", json=body, headers=headers)

    async def messages(self, to: str) -> list[dict[str, Any]]:
        """What the simulated gateway delivered to a number."""
        answer = await self.http.get(f"{self.stack.simulator}/_sim/messages", params={"to": to, "limit": 10_000})
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    async def rows(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        """The rows of a query."""
        async with self._database.cursor(aiomysql.DictCursor) as cursor:
            await cursor.execute(statement, arguments)
            return list(await cursor.fetchall())

    async def row(self, statement: str, *arguments: Any, check: Callable[[dict[str, Any]], bool] = bool) -> Any:
        """The one row of a query, once there is one that `check` takes."""

        async def look() -> dict[str, Any] | None:
            found = await self.rows(statement, *arguments)
            assert len(found) <= 1, found
            return found[0] if found and check(found[0]) else None

        said = await eventually(look, 30, because=f"no such row: {statement} {arguments}")
        assert said is not None
        return said

    async def event(self, event_id: str, status: str) -> dict[str, Any]:
        """The row of an event, once it has a status."""
        found: dict[str, Any] = await self.row(
            "SELECT * FROM communication_events WHERE event_id = %s",
            event_id,
            check=lambda row: row["status"] == status,
        )
        return found

    async def outbound(self, event_id: str, status: str) -> dict[str, Any]:
        """The row of an event's message, once it has a status."""
        statement = "SELECT * FROM outbound_messages WHERE event_id = %s"
        found: dict[str, Any] = await self.row(statement, event_id, check=lambda row: row["status"] == status)
        return found

    async def records(self, topic: str, wanted: Callable[[Any], bool]) -> list[Any]:
        """The records of a topic as it is now that `wanted` takes."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.stack.kafka, fetch_max_wait_ms=50)
        await consumer.start()
        try:
            await consumer._client.add_topic(topic)
            await eventually(lambda: consumer.partitions_for_topic(topic))
            places = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic)]
            consumer.assign(places)
            await consumer.seek_to_beginning()
            ends = await consumer.end_offsets(places)
            found = []
            while [place for place in places if await consumer.position(place) < ends[place]]:
                for fetched in (await consumer.getmany(timeout_ms=200)).values():
                    found += [record for record in fetched if wanted(record)]
            return found
        finally:
            await consumer.stop()

    async def noise(self) -> Counter[tuple[str, str]]:
        """How much noise the worker has counted, by channel and kind."""
        metrics = (await self.http.get(f"http://127.0.0.1:{self.stack.env['POSTO_METRICS_PORT']}/metrics")).text
        counted: Counter[tuple[str, str]] = Counter()
        for labels, value in re.findall(r"^posto_webhook_noise_total\{(.*)\} (\S+)$", metrics, re.MULTILINE):
            found = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            counted[found["channel"], found["kind"]] = int(float(value))
        return counted

    async def publish(self) -> None:
        """Bring into force what was written into the authored tables."""
        done = await asyncio.to_thread(self.stack.posto, "publish", "--force")
        assert done.returncode == 0, done.stdout + done.stderr

    def worker_pid(self) -> int:
        """The process id of the first worker."""
        pid = Supervisor(self.stack.layout).state("worker-1").pid
        assert pid is not None
        return pid

    async def kill_worker(self) -> None:
        """kill -9 the worker, and wait until its supervisor has brought another one to work."""
        pid = self.worker_pid()
        os.kill(pid, signal.SIGKILL)

        async def is_back() -> bool:
            return Supervisor(self.stack.layout).state("worker-1").pid not in (None, pid) and await self.is_ready()

        await eventually(is_back, 60, because="the worker did not come back")

    async def is_ready(self) -> bool:
        """Whether the worker says that it works."""
        try:
            url = f"http://127.0.0.1:{self.stack.env['POSTO_METRICS_PORT']}/readyz"
            return (await self.http.get(url)).status_code == 200
        except httpx.HTTPError:
            return False


@asynccontextmanager
async def hub_on(stack: Stack) -> AsyncIterator[Hub]:
    """Clients on a running stack."""
    address = stack.settings().mysql
    database = await aiomysql.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password.get_secret_value(),
        db=address.database,
        autocommit=True,
    )
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka, max_request_size=8_000_000)
    await producer.start()
    try:
        async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=64)) as http:
            yield Hub(stack, http, database, producer)
    finally:
        await producer.stop()
        database.close()


@asynccontextmanager
async def second_session(hub: Hub) -> AsyncIterator[None]:
    """A tenant more, with a channel of its own."""
    channel = (_SECOND_TENANT, SECOND_CHANNEL)
    await hub.rows("INSERT INTO tenants (id, name) VALUES (%s, 'Segundo')", _SECOND_TENANT)
    await hub.rows("INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (%s, %s)", *channel)
    await hub.publish()
    try:
        yield
    finally:
        await hub.rows("DELETE FROM tenant_message_channels WHERE tenant_id = %s", _SECOND_TENANT)
        await hub.rows("DELETE FROM tenants WHERE id = %s", _SECOND_TENANT)
        await hub.publish()


def facts(records: Sequence[Any]) -> list[dict[str, Any]]:
    """The values of records, decoded."""
    return [msgspec.json.decode(record.value) for record in records]
