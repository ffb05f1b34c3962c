"""What happens in a partition although nothing came in: moments that commands, lanes and channels wait for."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from streams.deliveries import CLOSED
from streams.sending.book import CommandKey, command_key
from streams.sending.channel_watch import ChannelWatch
from streams.sending.clock import Alarms
from streams.sending.draft import Draft
from streams.sending.parking import News, Parking
from streams.sending.surroundings import Surroundings

_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)


class Wakeups:
    """The timers of one partition, and its ear for the gateway's going and coming; each of them rings."""

    def __init__(
        self, around: Surroundings, parking: Parking, ring: Callable[[], None], hear: Callable[[News], None]
    ) -> None:
        """`hear` is told what the gateway says of a channel that was asked for."""
        self._parking = parking
        self._ring = ring
        self._seen = around.clock.now()
        self._breaker = around.breaker
        self._commands: Alarms[CommandKey] = Alarms(around.clock, ring)
        self._lanes: Alarms[str] = Alarms(around.clock, ring)
        self._channels = ChannelWatch(
            parking,
            around.channels,
            around.clock,
            ring=ring,
            hear=hear,
            poll=around.poll,
            tell=around.tell,
            patience=around.channel_patience,
        )

    def start(self) -> None:
        """Listen to the gateway's going and coming."""
        self._breaker.listen(self._gateway_changed)

    def add(self, moment: datetime, key: CommandKey) -> None:
        """Wake a command at a moment."""
        self._commands.add(moment, key)

    def plan(self, draft: Draft) -> None:
        """Wake what a step wants to be woken, and no longer what it has closed."""
        for fact in draft.facts:
            if fact.status in CLOSED:
                self._commands.forget(command_key(fact.command_id))
        for moment, key in draft.wakes:
            self._commands.add(moment, key)
        for moment, channel in draft.openings:
            self._lanes.add(moment, channel)

    def due_commands(self, now: datetime) -> list[CommandKey]:
        """The commands whose moment has come."""
        return self._commands.due(now)

    def due_lanes(self, now: datetime) -> list[str]:
        """The channels of which lanes are to be looked at again; all of them after the clock was set back."""
        is_set_back, self._seen = now < self._seen, now
        if is_set_back:
            self._parking.set_back(now)
            self._channels.hurry()
        return self._lanes.due(_END_OF_TIME if is_set_back else now)

    def set(self, now: datetime) -> None:
        """Set the timers for what is next, and look after the channels that are down."""
        self._commands.set()
        self._lanes.set()
        self._channels.look(now, may_ask=not self._breaker.is_open)

    def stop(self) -> None:
        """Ring no more."""
        self._breaker.forget(self._gateway_changed)
        self._commands.stop()
        self._lanes.stop()
        self._channels.stop()

    def _gateway_changed(self) -> None:
        self._channels.hurry()
        self._ring()
