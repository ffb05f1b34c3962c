"""A process with the hub's own sender and nothing else, whose gateway is a socket of the test.

With `--stop-at-first-attempt` it stands still, as after SIGSTOP, between the acknowledgement of its first attempt and
the request.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from datetime import timedelta

import uvloop

from agents.topology import add_sender
from schemas.alarms import Alarm
from schemas.commands import Command
from schemas.configuration import Channel, Tenant
from schemas.deliveries import DeliveryFact, FactKind
from schemas.mutes import Mute
from streams import topics
from streams.runtime import BatchApp, RuntimeConfig
from streams.runtime.running import run
from streams.sending.breaker import Breaker
from streams.sending.channel_watch import ChannelPatience
from streams.sending.clock import SystemClock
from streams.sending.inputs import Answer, Sent, Unclear
from streams.sending.latecomers import Latecomers, by_publisher
from streams.sending.lease import Lease
from streams.sending.log import KafkaStatusLog
from streams.sending.outboxes import Outboxes
from streams.sending.schedule import Schedule
from streams.sending.slots import Slots
from streams.sending.surroundings import Surroundings
from streams.sending.trouble import Sign

PARTITIONS = 2
SESSION = 6.0  # seconds: the least that Kafka takes
DRAIN = 5.0


class StoppingLog(KafkaStatusLog):
    """Stops the process once, right after an attempt was acknowledged."""

    stops = True

    async def append(self, partition: int, facts: Sequence[DeliveryFact]) -> Sequence[int]:
        offsets = await super().append(partition, facts)
        if self.stops and any(fact.fact is FactKind.ATTEMPT_STARTED for fact in facts):
            self.stops = False
            os.kill(os.getpid(), signal.SIGSTOP)
        return offsets


class Gateway:
    """Says which attempt is made and by whom, and waits for the test to answer."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __call__(self, channel_id: str, command: Command, attempt: int) -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"{command.command_id} {attempt} {os.getpid()}\n".encode())
        answer = await reader.readline()
        writer.close()
        return Sent(attempt) if answer else Unclear(attempt, "no_answer")


def channel(canonical: str) -> Channel:
    """Every channel is there."""
    return Channel(id=canonical, channel_id=canonical, tenant=Tenant(id=1, name="Loja"))


async def is_there(channel_id: str) -> Sign:
    """The gateway takes requests."""
    return Sign.THERE


async def is_up(channel_id: str) -> str | None:
    """So does every channel."""
    return None


async def has_no_precondition(command: Command, attempt: int) -> Answer | None:
    """No command of these tests asks anything."""
    return None


def no_mute(mute: Mute) -> None:
    """Nobody asks an AI."""


def no_alarm(alarm: Alarm) -> None:
    """Nobody listens."""


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("servers")
    parser.add_argument("gateway", type=int)
    parser.add_argument("--stop-at-first-attempt", action="store_true")
    options = parser.parse_args()
    connection = {"bootstrap_servers": options.servers}
    app = BatchApp(RuntimeConfig(connection, partitions=PARTITIONS, session_timeout=SESSION, drain=DRAIN))
    table = app.batch_table(topics.DELIVERIES_TABLE)
    clock, slots = SystemClock(), Slots(64)
    around = Surroundings(
        log=(StoppingLog if options.stop_at_first_attempt else KafkaStatusLog)(connection),
        table=table,
        carry=Gateway(options.gateway),
        still_holds=has_no_precondition,
        channels=channel,
        clock=clock,
        slots=slots,
        schedule=Schedule(),
        per_channel=4,
        lease=Lease(SESSION / 2, is_member=lambda: app.is_member),
        latecomers=Latecomers(by_publisher(app.publisher), clock),
        breaker=Breaker("gateway", slots, clock, is_there, no_alarm),
        poll=is_up,
        tell=no_alarm,
        channel_patience=ChannelPatience(),
        mute_for=timedelta(0),
        tell_mute=no_mute,
    )
    add_sender(app, table, Outboxes(around, grace=DRAIN, fatal=app.stop_or_die))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run(app, stop)


if __name__ == "__main__":
    uvloop.run(main())
