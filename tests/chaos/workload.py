"""The inputs of a scenario on their way in: each by its door, at its time, and what was answered."""

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from infra.simulator.envelopes import message_envelope
from infra.simulator.state import Message, SimulatedChannel
from streams import topics
from tests.chaos.history import Input, Typed
from tests.chaos.scenario import EVENT_TYPES, Told, Wish
from tests.chaos.system import System, channel_id, tenant_id

SOURCE: Final = "chaos"

_AGAIN_SECONDS: Final = 0.25
_ANSWER_SECONDS: Final = 12.0


class Workload:
    """Sends what a scenario wants sent; `inputs` and `typed` say what became of it.

    `tag` makes the ids of this run its own.
    """

    def __init__(self, system: System, slot: int, tag: str, http: httpx.AsyncClient) -> None:
        self.inputs: list[Input] = []
        self.typed: list[Typed] = []
        self._system = system
        self._slot = slot
        self._tag = tag
        self._http = http
        self._began = time.monotonic()
        self._ends: dict[int, str] = {}

    async def run(self, wishes: Sequence[Wish], told: Sequence[Told]) -> None:
        """Send all of it. A producer repeats until it is told that its event is kept; the gateway posts once."""
        self._began = time.monotonic()
        lines: defaultdict[int, list[Wish]] = defaultdict(list)
        for wish in wishes:
            if wish.ordered:
                lines[wish.contact].append(wish)
        async with (
            AIOKafkaProducer(
                bootstrap_servers=self._system.environment.values["KAFKA_BOOTSTRAP_SERVERS"], enable_idempotence=True
            ) as producer,
            asyncio.TaskGroup() as group,
        ):
            for line in lines.values():
                group.create_task(self._in_order(line, producer))
            for wish in wishes:
                if not wish.ordered:
                    group.create_task(self._in_order([wish], producer))
            for one in told:
                group.create_task(self._tell(one))

    async def _in_order(self, wishes: Sequence[Wish], producer: AIOKafkaProducer) -> None:
        for wish in wishes:
            await self._until(wish.at)
            body, given = self._event(wish)
            self.inputs.append(given)
            if wish.door == "http":
                await self._post(body, given)
            else:
                await self._produce(body, given, producer)

    async def _post(self, body: dict[str, Any], given: Input) -> None:
        headers = {"Authorization": f"Bearer {self._system.environment.values['EVENT_INGESTION_SECRET']}"}
        url = f"{self._system.edge}/api/events"
        for _ in itertools.count():
            try:
                answer = await self._http.post(url, json=body, headers=headers, timeout=_ANSWER_SECONDS)
            except httpx.HTTPError as error:
                given.answers.append(type(error).__name__)
            else:
                given.answers.append(str(answer.status_code))
                if answer.status_code == httpx.codes.ACCEPTED:
                    given.is_kept = True
                    return
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _produce(self, body: dict[str, Any], given: Input, producer: AIOKafkaProducer) -> None:
        value = msgspec.json.encode(body)
        while True:
            try:
                await producer.send_and_wait(topics.RAW_EVENT, value, key=given.external_id.encode())
            except KafkaError as error:
                given.answers.append(type(error).__name__)
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                given.is_kept = True
                return

    async def _tell(self, told: Told) -> None:
        """The webhook of a message: what is answered with 202 is kept, whatever else is answered may be."""
        await self._until(told.at)
        chat = f"{self._contact(told.contact)}@c.us"
        hexadecimal = f"3EB0{self._tag.upper()}{told.number:04X}"
        message = Message(
            id=f"{'true' if told.from_me else 'false'}_{chat}_{hexadecimal}",
            channel=channel_id(self._slot, told.channel),
            chat=chat,
            to=chat,
            from_me=told.from_me,
            type="chat",
            text=f"{told.text} {self._tag}",
            at=time.time(),
        )
        typed = Typed(message.channel, hexadecimal, message.text, told.from_me)
        self.typed.append(typed)
        body = message_envelope(message, SimulatedChannel(message.channel, "connected"))
        headers = {"X-Webhook-Secret": self._system.environment.values["PIXELHUB_WHATSAPP_WEBHOOK_SECRET"]}
        for _ in range(told.times):
            try:
                answer = await self._http.post(
                    f"{self._system.edge}/api/whatsapp/webhook", json=body, headers=headers, timeout=_ANSWER_SECONDS
                )
            except httpx.HTTPError as error:
                typed.answers.append(type(error).__name__)
            else:
                typed.answers.append(str(answer.status_code))
                typed.is_kept |= answer.status_code == httpx.codes.ACCEPTED

    def _event(self, wish: Wish) -> tuple[dict[str, Any], Input]:
        external_id = f"{self._tag}-{wish.number}"
        contact = self._contact(wish.contact)
        text = f"{wish.text} {self._tag}"
        body: dict[str, Any] = {
            "source_system": SOURCE,
            "event_type": EVENT_TYPES[wish.policy],
            "external_id": external_id,
            "tenant_id": tenant_id(self._slot, wish.channel),
            "payload": {"phone": contact, "text": text},
            "correlation_id": self._tag,
        }
        if wish.ordered:
            body["ordering_key"] = contact
        if wish.expires_in is not None:
            end = datetime.now(UTC) + timedelta(seconds=wish.expires_in)
            body["expires_at"] = self._ends.setdefault(wish.number, end.isoformat())
        return body, Input(
            external_id=external_id,
            channel=channel_id(self._slot, wish.channel),
            contact=contact,
            text=text,
            policy=wish.policy,
            may_expire=wish.expires_in is not None,
            is_ordered=wish.ordered,
        )

    def _contact(self, number: int) -> str:
        """A phone that only this run writes to."""
        return f"55479{int(self._tag, 16) % 100_000:05d}{number:03d}"

    async def _until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, self._began + at - time.monotonic()))
