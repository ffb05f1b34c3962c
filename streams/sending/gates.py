"""When a lane may send next, by the paces and windows of its rule and of its channel: the stricter wins."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from schemas.configuration import Channel
from streams.paces import Pace
from streams.send_bounds import UNBOUND, Bounds, bounds_of_channel
from streams.sending.lanes import Lane
from streams.sending.ledger import Account, Ledger
from streams.templates import DEFAULT_TIME_ZONE, zone

NEVER: Final = datetime.max.replace(tzinfo=UTC)


class ChannelBounds:
    """The bounds of channels, each read once for each version of it. `channels` finds one by its canonical id."""

    def __init__(self, channels: Callable[[str], Channel | None]) -> None:
        self._channels = channels
        self._read: dict[str, tuple[Channel, Bounds]] = {}

    def of(self, channel_id: str) -> tuple[Channel | None, Bounds]:
        """A channel with its bounds; those that make no sense hold back nothing."""
        channel = self._channels(channel_id)
        if channel is None or not channel.metadata:
            return channel, UNBOUND
        known = self._read.get(channel_id)
        if known is None or known[0] is not channel:
            try:
                bounds = bounds_of_channel(channel)
            except ValueError:
                bounds = UNBOUND
            known = self._read[channel_id] = (channel, bounds)
        return known

    def is_paced(self, channel_id: str) -> bool:
        """Whether a channel has a pace of its own."""
        return self.of(channel_id)[1].pace is not None


class Gates:
    """The bounds of one partition's lanes.

    What a step starts counts at once, before the log has it: `begin` a step, and tell what it `started`.
    """

    def __init__(self, bounds: ChannelBounds, ledger: Ledger) -> None:
        self._bounds = bounds
        self._ledger = ledger
        self._started: Counter[Account] = Counter()

    def begin(self) -> None:
        """All that was started before is in the ledger."""
        self._started.clear()

    def started(self, lane: Lane) -> None:
        """An attempt of a lane has begun."""
        self._started[lane.channel, ""] += 1
        if lane.rule:
            self._started[lane.channel, lane.rule] += 1

    def is_usable(self, channel: str) -> bool:
        """Whether anything may go out by a channel at all; what waits for one that is gone fails at its attempt."""
        found, _ = self._bounds.of(channel)
        return found is not None and found.is_enabled and found.tenant.is_enabled

    def opens_at(self, lane: Lane, now: datetime) -> datetime:
        """When the lane may send: now, later, or never, where the windows of rule and channel do not meet."""
        channel, of_channel = self._bounds.of(lane.channel)
        if lane.bounds is UNBOUND and of_channel == UNBOUND:
            return now
        if not lane.bounds.meets(of_channel):
            return NEVER
        where = _zone_of(channel)
        moment, before = now, None
        while moment != before:
            before = moment
            for bounds, account in ((of_channel, (lane.channel, "")), (lane.bounds, (lane.channel, lane.rule))):
                if bounds.pace:
                    moment = self._by_pace(bounds.pace, account, moment, now, where)
                if bounds.window:
                    moment = bounds.window.next_open(moment, where)
        return moment

    def _by_pace(self, pace: Pace, account: Account, moment: datetime, now: datetime, where: tzinfo) -> datetime:
        usage, started = self._ledger.usage(account), self._started[account]
        if pace.every_seconds:
            wait = timedelta(seconds=pace.every_seconds)
            if usage and usage.last <= now:  # else the clock was set back: that holds nobody up
                moment = max(moment, usage.last + wait)
            if started:
                moment = max(moment, now + wait)
        if pace.per_day is not None:
            today = moment.astimezone(where).date()
            begins, ends = _midnight(today, where), _midnight(today + timedelta(days=1), where)
            used = (usage.count(begins, ends) if usage else 0) + (started if begins <= now < ends else 0)
            if used >= pace.per_day:
                return ends
        return moment


def _zone_of(channel: Channel | None) -> tzinfo:
    return (zone(channel.tenant.time_zone) if channel else None) or ZoneInfo(DEFAULT_TIME_ZONE)


def _midnight(day: date, where: tzinfo) -> datetime:
    return datetime.combine(day, time(), where).astimezone(UTC)
