"""Lids to phones: asks the gateway once for each lid of a channel, and says what it answered on contact.link."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import msgspec

from adapters.gateway import GatewayError, NotSent, Permanent
from schemas.configuration import Channel
from schemas.contacts import ContactLink, LookUp
from schemas.gateway import LidEntry
from streams import lookups, topics
from streams.envelope import headers_for
from streams.errands.errand import Answer, Done, Emission, Errand, NotYet
from streams.errands.schedule import Schedule
from streams.runtime import AgentFunction, Batch, Record

SOURCES: Final = (topics.COMMAND_LOOKUP,)
OUTPUTS: Final = ()

SCHEDULE: Final = Schedule(waits=(5.0, 60.0, 600.0, 3600.0))
"""Seconds between the tries of one look-up that the gateway did not answer."""
CONCURRENCY: Final = 16
CONCURRENCY_PER_CHANNEL: Final = 2
"""How many look-ups of a worker, and of each of its channels, are under way at once: nobody waits for one."""

_SOURCE: Final = "posto"
_decode_command = msgspec.json.Decoder(LookUp).decode


class Wanted(msgspec.Struct, frozen=True, array_like=True):
    """The body of an errand: what is asked for, and in which partition it is remembered."""

    partition: int
    command: LookUp


_decode_wanted = msgspec.msgpack.Decoder(Wanted).decode


class Memory(Protocol):
    """What is remembered of each lid (`streams.runtime.BatchTable`)."""

    def get(self, partition: int, key: bytes) -> bytes | None: ...

    async def write(self, partition: int, changes: Mapping[bytes, bytes | None]) -> None: ...


class Gateway(Protocol):
    """The gateway, as far as look-ups call it (`adapters.gateway.GatewayClient`)."""

    async def look_up_lid(self, channel_id: str, lid: str, *, request_id: str) -> LidEntry: ...


class Takes(Protocol):
    """Who does the errands (`streams.errands.errands.Errands`)."""

    async def take(self, incoming: Mapping[int, Sequence[Errand]], /) -> None: ...


def build(errands: Takes, memory: Memory) -> AgentFunction:
    """The agent: of the look-ups that are asked for, gives those that are worth a call to who makes it."""

    async def agent(batch: Batch) -> None:
        incoming: defaultdict[int, list[Errand]] = defaultdict(list)
        for record in batch.records:
            try:
                command = _decode_command(record.value or b"")
            except (ValueError, RecursionError) as error:
                batch.reject(record, error)
                continue
            remembered = memory.get(record.partition, lookups.memory_key(command))
            if lookups.is_worth_asking(remembered, command.at):
                incoming[record.partition].append(_errand(record, command))
        await errands.take(incoming)

    return agent


async def let_go(batch: Batch) -> None:
    """The agent where look-ups are switched off."""


def _errand(record: Record, command: LookUp) -> Errand:
    return Errand(
        id=lookups.memory_key(command),
        channel=command.channel,
        body=msgspec.msgpack.encode(Wanted(record.partition, command)),
        due=command.at,
        trace_id=command.trace_id,
    )


class LidErrander:
    """Makes one look-up, and remembers whether it told a phone before anybody hears of it."""

    def __init__(
        self,
        gateway: Gateway,
        memory: Memory,
        channels: Callable[[str], Channel | None],
        now: Callable[[], datetime],
    ) -> None:
        self._gateway = gateway
        self._memory = memory
        self._channels = channels
        self._now = now

    async def attempt(self, errand: Errand, /) -> Answer:
        """Ask the gateway, in its own spelling of the channel, which must still be the tenant's."""
        partition, command = _wanted(errand)
        channel = self._channels(command.channel)
        if channel is None or not channel.is_enabled or channel.tenant.id != command.tenant_id:
            return Done(reason="channel_changed")
        request_id = f"{command.command_id}:{errand.attempts + 1}"
        try:
            entry = await self._gateway.look_up_lid(channel.channel_id, command.lid, request_id=request_id)
        except GatewayError as error:
            await self._remember_in_vain(partition, command, errand)
            if isinstance(error, Permanent):
                return Done(reason=error.reason)
            return NotYet(error.reason, error.retry_after if isinstance(error, NotSent) else None)
        link = lookups.answer_of(command, entry.lid, entry.phone, self._now())
        if link is None:
            await self._remember_in_vain(partition, command, errand)
            return Done(reason="no_phone")
        await self._memory.write(partition, {lookups.memory_key(command): lookups.ANSWERED})
        return Done((_emission(command, link),), "linked")

    def give_up(self, errand: Errand, reason: str, /) -> Done:
        """Nothing is known: the next message of the lid may ask again, on another day."""
        return Done(reason=reason)

    async def _remember_in_vain(self, partition: int, command: LookUp, errand: Errand) -> None:
        key = lookups.memory_key(command)
        before = self._memory.get(partition, key)
        value = lookups.asked_in_vain(before, self._now(), is_repeated=errand.attempts > 0)
        await self._memory.write(partition, {key: value})


def _wanted(errand: Errand) -> tuple[int, LookUp]:
    wanted = _decode_wanted(errand.body)
    return wanted.partition, wanted.command


def _emission(command: LookUp, link: ContactLink) -> Emission:
    said = headers_for(
        id=command.command_id,
        type=f"{topics.CONTACT_LINK}.{link.what}",
        source=_SOURCE,
        time=link.at,
        trace_id=link.trace_id,
        tenant_id=link.tenant_id,
    )
    return Emission(topics.CONTACT_LINK, link.lid.encode(), msgspec.json.encode(link), said)
