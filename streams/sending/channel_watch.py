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
    """How often a channel is asked for, in seconds, and at which ages its alarm rises.

    A gateway may call a channel connected by which it sends nothing: then that is asked ever more rarely, down to
    every `longest_wait` seconds.
    """

    poll_every: float = 15.0
    longest_wait: float = 600.0
    alarm_ages: tuple[float, ...] = (60.0, 1800.0)


@dataclass(slots=True)
class _Watched:
    """When to ask for a channel again, and how long to wait after that; `left` is when nothing waited any more."""

    poll_at: datetime
    wait: timedelta
    left: datetime | None = None


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
        self._longest = timedelta(seconds=max(patience.longest_wait, patience.poll_every))
        self._watched: dict[str, _Watched] = {}
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
            self._call_again()  # the call may have come a moment too early, and there is no other
            return
        waited_for = {news.channel: news for news in self._parking.waited_for()}
        for channel, watched in list(self._watched.items()):
            self._follow(channel, watched, now, is_waited_for=channel in waited_for)
        for channel in waited_for.keys() - self._watched.keys():
            self._escalation.begin(channel, waited_for[channel].began, _message(waited_for[channel]))
            self._watched[channel] = _Watched(now + self._every, self._every)
        if may_ask:
            for channel in waited_for:
                watched = self._watched[channel]
                if self._is_hurried or watched.poll_at <= now:
                    watched.poll_at = now + watched.wait
                    self._start_asking(channel)
            self._is_hurried = False
        self._escalation.check(now)
        self._looks_at = now + min(self._every, _LOOKS_EVERY) if self._watched else None
        self._call_again()

    def _call_again(self) -> None:
        if self._call:
            self._call.cancel()
        self._call = self._clock.call_at(self._looks_at, self._ring) if self._looks_at else None

    def _follow(self, channel: str, watched: _Watched, now: datetime, *, is_waited_for: bool) -> None:
        """A trouble has ended once nothing waits for a while; one that comes back before that is the same one."""
        if is_waited_for and watched.left:
            watched.wait = min(watched.wait * 2, self._longest)
            watched.poll_at, watched.left = now + watched.wait, None
        elif not is_waited_for and watched.left is None:
            watched.left = now
        elif watched.left and now >= watched.left + self._every:
            del self._watched[channel]
            self._escalation.end(channel, now)

    def _start_asking(self, channel: str) -> None:
        asking = asyncio.create_task(self._ask(channel), name="channel poll")
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)

    def stop(self) -> None:
        """Look no more."""
        if self._call:
            self._call.cancel()
        for asking in self._asking:
            asking.cancel()

    async def _ask(self, channel: str) -> None:
        found = self._channels(channel)
        state = await self._poll(found.channel_id) if found else None
        if state is None:
            return
        now, reason = self._clock.now(), state if state in POLLED_DOWN else None
        if reason is None and (watched := self._watched.get(channel)):
            watched.left = now
        self._hear(News(channel, reason, now))


def _message(news: News) -> str:
    return f"The channel {news.channel} is down ({news.reason}): connect it again. What is to be sent by it waits."
