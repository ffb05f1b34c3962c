"""What an outbox is given: the log, the table, the way to the gateway, the channels, the time and the bounds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from schemas.alarms import Alarm
from schemas.commands import Command
from schemas.configuration import Channel
from streams.sending.book import Table
from streams.sending.breaker import Breaker
from streams.sending.channel_watch import ChannelPatience, Poll
from streams.sending.clock import Clock
from streams.sending.inputs import Answer
from streams.sending.latecomers import Latecomers
from streams.sending.lease import Lease
from streams.sending.log import StatusLog
from streams.sending.muting import Tell
from streams.sending.schedule import Schedule
from streams.sending.slots import Slots
from streams.sending.windows import Windows


class Carrier(Protocol):
    """Makes one request to the gateway and says what became of it; `channel_id` in the gateway's exact spelling."""

    async def __call__(self, channel_id: str, command: Command, attempt: int, /) -> Answer: ...


class Precondition(Protocol):
    """Asks whether a command's message still makes sense; None where it does, or there is nothing to ask."""

    async def __call__(self, command: Command, attempt: int, /) -> Answer | None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the outboxes of a worker share.

    `channels` finds a channel by its canonical id; `per_channel` bounds its requests under way, `slots` those of all.
    `breaker` knows whether the gateway is there, `poll` asks it for a channel that is down, `tell` raises alarms.
    `mute_for`: how long a person's message silences an AI, of which `tell_mute` tells those who ask it.
    `snapshot_lag`: seconds by which the table may follow the log where nobody waits for it.
    """

    log: StatusLog
    table: Table
    carry: Carrier
    still_holds: Precondition
    channels: Callable[[str], Channel | None]
    clock: Clock
    slots: Slots
    schedule: Schedule
    per_channel: int
    lease: Lease
    latecomers: Latecomers
    breaker: Breaker
    poll: Poll
    tell: Callable[[Alarm], None]
    channel_patience: ChannelPatience
    mute_for: timedelta
    tell_mute: Tell
    windows: Windows = field(default_factory=Windows)
    snapshot_lag: float = 0.25
