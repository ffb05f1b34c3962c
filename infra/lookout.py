"""Looks out for what nobody else would notice: channels that have fallen silent, and what waits for a person."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from adapters.mysql.pool import Session
from infra.election import Elected, WentWell
from infra.figures.lag import Lag, read_lags
from infra.figures.signs import Signs
from infra.figures.tables import ChannelFigures, Tables, read_tables
from infra.kafka import connection
from infra.logging import mask_phones
from infra.settings import Settings
from schemas.alarms import Alarm, AlarmKind
from streams import topics
from streams.alarm_log import alarm_log
from streams.background import Failed
from streams.silence import Limits, stage

log = structlog.get_logger()

_ON_THE_WAY: Final = frozenset({topics.RAW_WEBHOOK, topics.EVENT_NORMALIZED, topics.EVENT_ACCEPTED})
_KINDS: Final = (AlarmKind.CHANNEL_SILENT,)
_BEHIND: Final = timedelta(seconds=60)


class Lookout(Elected, Collector):
    """Looks every POSTO_LOOKOUT_SECONDS; of all workers one is elected to it, and has the metrics of it.

    It decides nothing about events. While the tables are behind it judges no channel: what it was told last may lie on
    the way.
    """

    def __init__(self, settings: Settings, failed: Failed | None = None) -> None:
        super().__init__(settings, "lookout", self._look_out, failed)
        self._limits = Limits(
            hours=settings.posto_silence_hours,
            floor=timedelta(seconds=settings.posto_silence_floor_seconds),
            ceiling=timedelta(seconds=settings.posto_silence_ceiling_seconds),
        )
        self._tables: Tables | None = None
        self._standing: Counter[AlarmKind] | None = None

    async def start(self) -> None:
        """Begin; returns at once."""
        REGISTRY.register(self)
        await super().start()

    async def stop(self) -> None:
        """Stop, and let another worker be elected."""
        await super().stop()
        REGISTRY.unregister(self)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What the last look found; nothing where another worker is elected."""
        if self._tables is not None:
            yield from _metrics(self._tables, datetime.now(UTC))
        if self._standing is not None:
            standing = GaugeMetricFamily("posto_alarms", "Alarms that stand.", labels=["kind"])
            for kind in AlarmKind:
                standing.add_metric([kind], self._standing[kind])
            yield standing

    async def _look_out(self, session: Session, went_well: WentWell) -> None:
        kafka = connection(self._settings)
        signs = Signs()
        try:
            async with alarm_log(kafka) as alarms:
                while True:
                    now = datetime.now(UTC)
                    self._tables = await read_tables(session)
                    if _is_behind(await read_lags(kafka), now):
                        log.info("lookout_waits", reason="what the channels said last may not be in the tables yet")
                    else:
                        await signs.learn(session, now)
                        silent = [alarm async for alarm in self._silent(self._tables.channels, signs, now)]
                        await alarms.settle(silent, _KINDS, now)
                    self._standing = Counter(one.alarm.kind for one in await alarms.standing())
                    went_well()
                    await asyncio.sleep(self._settings.posto_lookout_seconds)
        finally:
            self._tables, self._standing = None, None

    async def _silent(self, channels: Iterable[ChannelFigures], signs: Signs, now: datetime) -> AsyncIterator[Alarm]:
        for one in channels:
            await asyncio.sleep(0)  # the habits of hundreds take a while
            last = signs.last(one.channel) or one.last_sign_at
            if one.is_enabled and last is not None and last <= now:
                reached = stage(signs.hours(one.channel), last, now, self._limits)
                if reached:
                    yield _alarm(one.channel, last, now, reached)


def _is_behind(lags: Iterable[Lag], now: datetime) -> bool:
    return any(lag.topic in _ON_THE_WAY and lag.oldest_at and now - lag.oldest_at > _BEHIND for lag in lags)


def _alarm(channel: str, last: datetime, now: datetime, reached: int) -> Alarm:
    message = (
        f"Nothing was heard of it since {last:%Y-%m-%d %H:%M} UTC, for longer than is usual for it: look at its phone, "
        "send it a message, and read its QR code again if that does not arrive."
    )
    return Alarm(kind=AlarmKind.CHANNEL_SILENT, subject=channel, message=message, at=now, stage=reached)


def _metrics(tables: Tables, now: datetime) -> Iterator[GaugeMetricFamily]:
    waiting = GaugeMetricFamily(
        "posto_commands_waiting_seconds", "Time that the oldest command of a state has waited.", labels=["state"]
    )
    for status in tables.commands:
        since = tables.waiting_since.get(status, now)
        waiting.add_metric([status], max((now - since).total_seconds(), 0.0))
    yield waiting
    yield GaugeMetricFamily("posto_dead_letters_waiting", "Dead letters that wait for a person.", tables.dead_letters)
    yield GaugeMetricFamily("posto_quarantined_events", "Events whose channel nobody owns.", tables.quarantined)
    ages: defaultdict[tuple[str, str], float] = defaultdict(float)
    for channel in tables.channels:
        for sign, at in _signs(channel):
            place = mask_phones(channel.channel), sign
            ages[place] = max(ages[place], (now - at).total_seconds())
    silence = GaugeMetricFamily(
        "posto_channel_silence_seconds", "Time since a channel was last heard of.", labels=["channel", "sign"]
    )
    for (name, sign), seconds in ages.items():
        silence.add_metric([name, sign], seconds)
    yield silence


def _signs(channel: ChannelFigures) -> Iterator[tuple[str, datetime]]:
    times = {"inbound": channel.last_inbound_at, "own": channel.last_outbound_at, "ack": channel.last_ack_at}
    return ((sign, at) for sign, at in times.items() if at is not None)
