"""Looks after the channels of a partition that are down while something waits for them: asks, and raises alarms."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.alarms import Alarm, AlarmKind
from schemas.configuration import Channel
from streams.sending.clock import Call, Clock
from streams.sending.escalation import Escalation
from streams.sending.parking import POLLED_DOWN, News, Parking

_LOOKS_EVERY: Final = timedelta(seconds=5)

Poll = Callable[[str], Awaitable[str | None]]
"""Asks the gateway for the state of a channel, in its exact spelling; None where it does not say. Never raises."""


@dataclass(frozen=True, slots=True)
class ChannelPatience:
    """How often a channel is asked for, in seconds, and at which ages its alarm rises."""

    poll_every: float = 15.0
    alarm_ages: tuple[float, ...] = (60.0, 1800.0)


class ChannelWatch:
    """Polls each such channel, and at once where a former owner had found it down, or the gateway is back.

    What the gateway says of a channel is news like any other; a word never seen counts as connected.
    """

    def __init__(
        self,
        parking: Parking,
        channels: Callable[[str], Channel | None],
        clock: Clock,
        ring: Callable[[], None],
        hear: Callable[[News], None],
        poll: Poll,
        tell: Callable[[Alarm], None],
        patience: ChannelPatience,
    ) -> None:
        self._parking = parking
        self._channels = channels
        self._clock = clock
        self._ring = ring
        self._hear = hear
        self._asking: set[asyncio.Task[None]] = set()
        self._poll = poll
        self._every = timedelta(seconds=patience.poll_every)
        self._polls: dict[str, datetime] = {}
        self._escalation = Escalation(AlarmKind.CHANNEL_DOWN, patience.alarm_ages, tell)
        self._call: Call | None = None
        self._looks_at: datetime | None = None
        self._is_hurried = True

    def hurry(self) -> None:
        """Ask for all of them at the next look, which is now."""
        self._is_hurried = True
        self._looks_at = None

    def look(self, now: datetime, *, may_ask: bool) -> None:
        """Ask for the channels that are due, unless nobody would answer; raise and end alarms."""
        for channel in self._parking.found_up():
            self._escalation.end(channel, now)  # an alarm of a former owner may stand
        if self._looks_at and now < self._looks_at:
            return
        waited_for = {news.channel: news for news in self._parking.waited_for()}
        for channel in self._polls.keys() - waited_for.keys():
            del self._polls[channel]
            self._escalation.end(channel, now)
        for channel, news in waited_for.items():
            if channel not in self._polls:
                self._escalation.begin(channel, news.began, _message(news))
                self._polls[channel] = now + self._every
        if may_ask:
            due = [channel for channel, moment in self._polls.items() if self._is_hurried or moment <= now]
            self._polls |= dict.fromkeys(due, now + self._every)
            self._is_hurried = False
            for channel in due:
                asking = asyncio.create_task(self._ask(channel), name="channel poll")
                self._asking.add(asking)
                asking.add_done_callback(self._asking.discard)
        self._escalation.check(now)
        self._looks_at = now + min(self._every, _LOOKS_EVERY) if self._polls else None
        if self._call:
            self._call.cancel()
        self._call = self._clock.call_at(self._looks_at, self._ring) if self._looks_at else None

    def stop(self) -> None:
        """Look no more."""
        if self._call:
            self._call.cancel()
        for asking in self._asking:
            asking.cancel()

    async def _ask(self, channel: str) -> None:
        found = self._channels(channel)
        state = await self._poll(found.channel_id) if found else None
        if state is not None:
            self._hear(News(channel, state if state in POLLED_DOWN else None, self._clock.now()))


def _message(news: News) -> str:
    return f"The channel {news.channel} is down ({news.reason}): connect it again. What is to be sent by it waits."
