from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from schemas.configuration import Channel, Tenant
from schemas.deliveries import FactKind
from streams.deliveries import Delivery, record
from streams.sending.gates import NEVER, ChannelBounds, Gates
from streams.sending.lanes import lane_of
from streams.sending.ledger import Ledger
from tests.streams.sending.world import CHANNEL, command, seconds

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BUSINESS = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "19:00"}


def at(text: str) -> datetime:
    """A time on the wall in São Paulo, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=SAO_PAULO).astimezone(UTC)


NOON = at("2026-01-15T12:00")


class Day:
    """The gates of a partition, and what was sent."""

    def __init__(self, **metadata: Any) -> None:
        self.channel: Channel | None = msgspec.structs.replace(CHANNEL, metadata=metadata or None)
        bounds = ChannelBounds(lambda _: self.channel)
        self.ledger = Ledger(bounds.is_paced)
        self.gates = Gates(bounds, self.ledger)
        self.offset = 0

    def send(self, began: datetime, ended: FactKind | None = None, **asked: Any) -> None:
        """An attempt that began then, and how it ended, learned from the log."""
        sent = command(str(self.offset), **asked)
        delivery, _ = record(Delivery.of(sent), FactKind.ACCEPTED, began, command=sent)
        facts = [(FactKind.ATTEMPT_STARTED, began)] + ([(ended, began + seconds(1))] if ended else [])
        for kind, moment in facts:
            after, fact = record(delivery, kind, moment, attempt=1)
            self.ledger.learn(self.offset, fact, delivery)
            self.ledger.learn(self.offset, fact, delivery)  # read again
            delivery, self.offset = after, self.offset + 1

    def opens_at(self, now: datetime, **asked: Any) -> datetime:
        return self.gates.opens_at(lane_of(command(**asked)), now)


RULE: dict[str, Any] = {"rule_id": "overdue"}


def test_without_bounds_it_is_always_open() -> None:
    assert Day().opens_at(NOON) == NOON


def test_the_pace_of_a_channel_counts_all_that_goes_out_by_it() -> None:
    day = Day(pace={"every_seconds": 30})
    day.send(NOON)
    assert day.opens_at(NOON + seconds(1)) == NOON + seconds(30)
    assert day.opens_at(NOON + seconds(31)) == NOON + seconds(31)


def test_the_pace_of_a_rule_counts_what_goes_out_by_it_alone() -> None:
    paced = RULE | {"pace": {"every_seconds": 30}}
    day = Day()
    day.send(NOON)
    assert day.opens_at(NOON, **paced) == NOON
    day.send(NOON, **paced)
    assert day.opens_at(NOON, **paced) == NOON + seconds(30)
    assert day.opens_at(NOON) == NOON
    assert day.opens_at(NOON, **(paced | {"rule_id": "other"})) == NOON


def test_what_a_step_starts_counts_before_the_log_has_it() -> None:
    day = Day(pace={"every_seconds": 30, "per_day": 2})
    lane = lane_of(command())
    day.gates.begin()
    day.gates.started(lane)
    assert day.gates.opens_at(lane, NOON) == NOON + seconds(30)
    day.gates.started(lane)
    assert day.gates.opens_at(lane, NOON) == at("2026-01-16T00:00")
    day.gates.begin()
    assert day.gates.opens_at(lane, NOON) == NOON


def test_a_daily_cap_counts_by_the_tenants_day() -> None:
    day = Day(pace={"per_day": 2})
    day.send(at("2026-01-14T23:59:59"))
    day.send(at("2026-01-15T00:00"))
    assert day.opens_at(NOON) == NOON
    day.send(at("2026-01-15T11:00"))
    assert day.opens_at(NOON) == at("2026-01-16T00:00")
    assert day.opens_at(at("2026-01-16T00:00")) == at("2026-01-16T00:00")


def test_a_day_that_the_clocks_make_longer_is_one_day() -> None:
    day = Day(pace={"per_day": 1})
    day.channel = msgspec.structs.replace(
        CHANNEL, metadata={"pace": {"per_day": 1}}, tenant=Tenant(id=1, name="Loja", time_zone="Europe/Berlin")
    )
    day.send(datetime(2026, 10, 24, 22, 30, tzinfo=UTC))  # 00:30 of a day of 25 hours
    assert day.opens_at(datetime(2026, 10, 25, 12, tzinfo=UTC)) == datetime(2026, 10, 25, 23, tzinfo=UTC)


@pytest.mark.parametrize("ended", [FactKind.NOT_SENT, FactKind.REFUSED, FactKind.EXPIRED, FactKind.SUPPRESSED])
def test_what_surely_sent_nothing_does_not_count_against_the_cap(ended: FactKind) -> None:
    day = Day(pace={"per_day": 1})
    day.send(NOON, ended)
    assert day.opens_at(NOON) == NOON
    day.send(NOON, FactKind.IN_DOUBT)
    assert day.opens_at(NOON) == at("2026-01-16T00:00")


def test_of_rule_and_channel_the_stricter_wins() -> None:
    day = Day(pace={"every_seconds": 10}, send_window={"from": "09:00", "to": "12:00"})
    paced = RULE | {"pace": {"every_seconds": 60}, "send_window": BUSINESS}
    assert day.opens_at(at("2026-01-15T08:30"), **paced) == at("2026-01-15T09:00")
    assert day.opens_at(NOON, **paced) == at("2026-01-16T09:00")
    assert day.opens_at(at("2026-01-17T10:00"), **paced) == at("2026-01-19T09:00")
    day.send(at("2026-01-15T10:00"), **paced)
    assert day.opens_at(at("2026-01-15T10:00"), **paced) == at("2026-01-15T10:01")
    assert day.opens_at(at("2026-01-15T10:00")) == at("2026-01-15T10:00:10")


def test_windows_that_do_not_meet_never_open() -> None:
    day = Day(send_window={"days": ["sat"], "from": "08:00", "to": "12:00"})
    assert day.opens_at(NOON, **RULE, send_window=BUSINESS) == NEVER


def test_a_cap_that_is_reached_outside_the_window_waits_for_the_next_one() -> None:
    day = Day(pace={"per_day": 1}, send_window=BUSINESS)
    day.send(at("2026-01-16T18:00"))
    assert day.opens_at(at("2026-01-16T18:30")) == at("2026-01-19T08:00")


def test_a_clock_that_was_ahead_holds_back_nothing() -> None:
    day = Day(pace={"every_seconds": 30})
    day.send(NOON + timedelta(days=365))
    assert day.opens_at(NOON) == NOON
    day.send(NOON)
    assert day.opens_at(NOON) == NOON + seconds(30)


def test_bounds_of_a_channel_that_make_no_sense_hold_back_nothing() -> None:
    assert Day(pace={"every": 3}).opens_at(NOON) == NOON


def test_what_was_counted_survives_the_snapshot_and_counts_once_when_it_is_read_again() -> None:
    day = Day(pace={"per_day": 2})
    day.send(NOON)
    again = Day(pace={"per_day": 2})
    for key, value in day.ledger.changes().items():
        again.ledger.restore(key, value)
    assert day.ledger.changes() == {}
    again.send(NOON)  # the same offsets
    assert again.opens_at(NOON) == NOON
    again.send(NOON)
    assert again.opens_at(NOON) == at("2026-01-16T00:00")


def test_old_quarters_of_an_hour_are_let_go() -> None:
    day = Day(pace={"per_day": 1_000_000})
    for quarter in range(2_000):
        day.send(NOON + timedelta(minutes=15 * quarter))
    usage = day.ledger.usage(("canalum", ""))
    assert usage
    assert len(usage.quarters) <= 201
