"""An outbox in a world of memory: a log, a table, a gateway and a clock that the test moves."""

import asyncio
import heapq
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from schemas.alarms import Alarm
from schemas.commands import Command
from schemas.configuration import Channel, Tenant
from schemas.deliveries import (
    AckStatus,
    DeliveryFact,
    Evidence,
    EvidenceKind,
    FactKind,
    OperatorDecision,
    Status,
)
from schemas.events import Action, Coordinates
from schemas.mutes import Mute
from streams.deliveries import Delivery, fold
from streams.sending.breaker import Breaker
from streams.sending.channel_watch import ChannelPatience
from streams.sending.desk import Found, Incoming
from streams.sending.inputs import Answer, Replay, Take
from streams.sending.latecomers import Latecomers
from streams.sending.lease import Lease
from streams.sending.operators_word import evidence_of
from streams.sending.outbox import Outbox
from streams.sending.schedule import Schedule
from streams.sending.slots import Slots
from streams.sending.surroundings import Surroundings
from streams.sending.trouble import Sign
from streams.sending.windows import Windows

START = datetime(2026, 1, 15, 12, tzinfo=UTC)
WINDOWS = Windows()
SCHEDULE = Schedule(waits=(1.0, 5.0, 30.0), max_attempts=4, uncertain_wait=120.0)
CHANNEL = Channel(id="canalum", channel_id="Canal Um", tenant=Tenant(id=1, name="Loja"))
PARTITION = 3
LEASE = 5.0
MUTED_FOR = timedelta(hours=1)


def seconds(count: float) -> timedelta:
    """A span of time."""
    return timedelta(seconds=count)


def command(name: str = "one", **changes: Any) -> Command:
    """A command; equal names give equal ids."""
    fields: dict[str, Any] = {
        "command_id": str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
        "event_id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        "event_type": "billing.invoice.overdue",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "action": Action.WHATSAPP,
        "tenant_id": 1,
        "channel": "canalum",
        "to": "5547999990001",
        "contact": "554799990001",
        "text": f"Fatura {name}",
        "created_at": START,
    }
    return Command(**(fields | changes))


def ack(message_key: str | None, status: AckStatus = AckStatus.DELIVERED, **changes: Any) -> Found:
    """An ack as evidence."""
    fields: dict[str, Any] = {
        "kind": EvidenceKind.ACK,
        "event_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{message_key}{status}")),
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "at": START,
        "received_at": START,
        "channel": "canalum",
        "message_key": message_key,
        "ack": status,
    }
    return Found(Evidence(**(fields | changes)), Coordinates("delivery.evidence", PARTITION, 7))


def echo(of: Command, message_key: str | None, after: float = 0, **changes: Any) -> Found:
    """The echo of a command's message, seen so many seconds after the start."""
    moment = START + seconds(after)
    fields: dict[str, Any] = {
        "kind": EvidenceKind.ECHO,
        "event_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{message_key}")),
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "at": moment.replace(microsecond=0),
        "received_at": moment,
        "channel": of.channel,
        "contact": of.contact,
        "text": of.text,
        "message_key": message_key,
    }
    return Found(Evidence(**(fields | changes)), Coordinates("delivery.evidence", PARTITION, 8))


_offsets = itertools.count()  # each decision is a record of its own


def decision(about: Command, what: OperatorDecision, attempt: int = 1, why: str = "asked") -> Found:
    """What Ana decided about a command, having seen so many attempts."""
    seen = Delivery.of(about)
    said = msgspec.structs.replace(evidence_of(seen, what, "ana", why, START), attempt=attempt)
    return Found(said, Coordinates("delivery.evidence", PARTITION, next(_offsets)))


async def settle() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(20):
        await asyncio.sleep(0)


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.time = START
        self._calls: list[tuple[datetime, int, Callable[[], None]]] = []
        self._cancelled: set[int] = set()
        self._numbers = itertools.count()

    def now(self) -> datetime:
        return self.time

    def call_at(self, moment: datetime, callback: Callable[[], None]) -> "Call":
        number = next(self._numbers)
        heapq.heappush(self._calls, (moment, number, callback))
        return Call(self._cancelled, number)

    async def advance(self, count: float) -> None:
        """Let seconds pass, with all that happens meanwhile."""
        until = self.time + seconds(count)
        while self._calls and self._calls[0][0] <= until:
            moment, number, callback = heapq.heappop(self._calls)
            self.time = max(self.time, moment)
            if number not in self._cancelled:
                callback()
                await settle()
        self.time = until
        await settle()

    async def ring_early(self, count: float) -> None:
        """Make the nearest call some seconds before its moment, as event loops do."""
        self._calls = [call for call in self._calls if call[1] not in self._cancelled]
        heapq.heapify(self._calls)
        moment, _, callback = heapq.heappop(self._calls)
        self.time = moment - seconds(count)
        callback()
        await settle()


class Call:
    def __init__(self, cancelled: set[int], number: int) -> None:
        self._cancelled = cancelled
        self._number = number

    def cancel(self) -> None:
        self._cancelled.add(self._number)


class Log:
    """The log of all partitions; `gate` lets appends through, `readable` reads."""

    def __init__(self) -> None:
        self.facts: dict[int, list[DeliveryFact]] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.reads: list[tuple[int, int]] = []
        self.readable = asyncio.Event()
        self.readable.set()
        self.claimed: set[int] = set()

    async def claim(self, partition: int) -> None:
        self.claimed.add(partition)

    async def let_go(self, partition: int) -> None:
        self.claimed.discard(partition)

    async def append(self, partition: int, facts: Sequence[DeliveryFact]) -> Sequence[int]:
        facts = list(facts)
        assert partition in self.claimed
        await self.gate.wait()
        if self.error:
            raise self.error
        log = self.facts.setdefault(partition, [])
        first = len(log)
        log.extend(facts)
        return range(first, len(log))

    async def read(self, partition: int, start: int) -> AsyncIterator[tuple[int, DeliveryFact]]:
        assert partition in self.claimed
        self.reads.append((partition, start))
        await self.readable.wait()
        for offset, fact in enumerate(list(self.facts.get(partition, ()))):
            if offset >= start:
                yield offset, fact


class Table:
    """The snapshot; `gate` lets writes through, `is_frozen` drops them, as a crash before them would."""

    def __init__(self) -> None:
        self.data: dict[int, dict[bytes, bytes]] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_frozen = False
        self.writes = 0

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self.data.get(partition, {}).get(key)

    def items(self, partition: int) -> Iterable[tuple[bytes, bytes]]:
        return self.data.get(partition, {}).items()

    async def write(self, partition: int, changes: Mapping[bytes, bytes | None]) -> None:
        await self.gate.wait()
        if self.is_frozen:
            return
        self.writes += 1
        held = self.data.setdefault(partition, {})
        for key, value in changes.items():
            if value is None:
                held.pop(key, None)
            else:
                held[key] = value


class Request:
    """One request that reached the gateway, to be answered by the test."""

    def __init__(self, channel_id: str, asked: Command, attempt: int) -> None:
        self.channel_id = channel_id
        self.command = asked
        self.attempt = attempt
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    async def reply(self, answer: Answer) -> None:
        self.answer.set_result(answer)
        await settle()


async def _holds(attempt: int) -> None:
    """The answer of a precondition that holds."""


class World:
    """Everything around outboxes, and the one that runs now."""

    def __init__(
        self,
        schedule: Schedule = SCHEDULE,
        *,
        slots: int = 10,
        per_channel: int = 4,
        windows: Windows = WINDOWS,
        log: Log | None = None,
        table: Table | None = None,
        clock: Clock | None = None,
        snapshot_lag: float = 0.0,
    ) -> None:
        self.clock = clock or Clock()
        self.alarms: list[Alarm] = []
        self.asked: list[str] = []
        self.states: dict[str, str | None] = {}
        self.probes: list[str] = []
        self.questions: list[tuple[Command, int]] = []
        self.question: Callable[[int], Awaitable[Answer | None]] = _holds
        self.sign = Sign.THERE
        all_slots = Slots(slots)
        self.log = log or Log()
        self.table = table or Table()
        self.requests: list[Request] = []
        self.mutes: list[Mute] = []
        self._before = 0
        self.channels = {"canalum": CHANNEL}
        self.around = Surroundings(
            log=self.log,
            table=self.table,
            carry=self._carry,
            still_holds=self._still_holds,
            channels=lambda channel: self.channels.get(channel),
            clock=self.clock,
            slots=all_slots,
            schedule=schedule,
            per_channel=per_channel,
            lease=Lease(LEASE, is_member=lambda: self.is_member, now=lambda: self.clock.time.timestamp()),
            latecomers=Latecomers(self._tell, self.clock),
            windows=windows,
            breaker=Breaker("gateway:80", all_slots, self.clock, self._probe, self.alarms.append),
            poll=self._poll,
            tell=self.alarms.append,
            channel_patience=ChannelPatience(),
            mute_for=MUTED_FOR,
            tell_mute=self.mutes.append,
            snapshot_lag=snapshot_lag,
        )
        self.is_member = True
        self.told: list[Evidence] = []
        self.outbox: Outbox
        self.task: asyncio.Task[None]

    async def start(self) -> "World":
        """Take the partition over."""
        self._before = len(self.requests)
        self.outbox = Outbox(PARTITION, self.around)
        await self.outbox.recover()
        self.task = asyncio.create_task(self.outbox.run())
        await settle()
        return self

    async def take(self, *inputs: Command | Incoming) -> None:
        """Give the outbox what came in."""
        await self.outbox.take([Take(given) if isinstance(given, Command) else given for given in inputs])
        await settle()

    async def crash(self) -> None:
        """End the outbox as kill -9 would: nothing more is written, no answer is heard."""
        self.task.cancel()
        await asyncio.wait({self.task})
        for request in self.open_requests:
            request.answer.cancel()

    @property
    def open_requests(self) -> list[Request]:
        """The requests of the present owner that wait for an answer."""
        return [request for request in self.requests[self._before :] if not request.answer.done()]

    def facts(self, of: Command) -> list[DeliveryFact]:
        """What the log holds about a command."""
        return [fact for fact in self.log.facts.get(PARTITION, ()) if fact.command_id == of.command_id]

    def kinds(self, of: Command) -> list[FactKind]:
        """The kinds of those facts."""
        return [fact.fact for fact in self.facts(of)]

    def status(self, of: Command) -> Status:
        """The state that those facts give; it must be the one that the last of them names."""
        facts = self.facts(of)
        status = fold(facts).status
        assert facts[-1].status is status
        return status

    async def _still_holds(self, asked: Command, attempt: int) -> Answer | None:
        self.questions.append((asked, attempt))
        return await self.question(attempt)

    async def _probe(self, channel_id: str) -> Sign:
        self.probes.append(channel_id)
        return self.sign

    async def _poll(self, channel_id: str) -> str | None:
        self.asked.append(channel_id)
        return self.states.get(channel_id)

    async def _tell(self, evidence: Evidence, tenant_id: int) -> None:
        self.told.append(evidence)

    async def _carry(self, channel_id: str, asked: Command, attempt: int) -> Answer:
        request = Request(channel_id, asked, attempt)
        self.requests.append(request)
        return await request.answer


__all__ = [
    "CHANNEL",
    "PARTITION",
    "SCHEDULE",
    "START",
    "Replay",
    "World",
    "ack",
    "command",
    "decision",
    "echo",
    "seconds",
    "settle",
]
