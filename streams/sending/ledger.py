"""How much was sent when, as far as a pace asks: a fold over the log, kept in its snapshot."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from schemas.deliveries import DeliveryFact, FactKind
from streams.deliveries import Delivery
from streams.sending.lanes import lane_of

PREFIX: Final = b"pace:"
"""What its keys in the snapshot begin with."""

_QUARTER: Final = 900  # seconds; every time zone's days begin at one
_KEPT: Final = timedelta(hours=50)  # the longest day, and what may still be uncounted of the one before
_NOTHING_SENT: Final = frozenset({FactKind.NOT_SENT, FactKind.REFUSED, FactKind.EXPIRED, FactKind.SUPPRESSED})

Account = tuple[str, str]
"""A channel, and the rule whose sends by it are counted; an empty rule counts them all."""


class Usage(msgspec.Struct, array_like=True):
    """Attempts by the quarter of an hour in which they began, without those that surely sent nothing.

    `upto` is the offset of the last fact that was counted: a fact that is read again counts once. What began before
    `first` was never counted.
    """

    upto: int
    first: datetime
    last: datetime
    quarters: dict[int, int]

    def count(self, since: datetime, until: datetime) -> int:
        """How many began in a span of time whose ends are full quarters of an hour."""
        first, end = _quarter(since), _quarter(until)
        return sum(count for quarter, count in self.quarters.items() if first <= quarter < end)


class Ledger:
    """The usages of one partition. `is_paced` says whether a channel has a pace of its own.

    What has no pace is not counted: a daily cap counts from the moment at which it is set.
    """

    def __init__(self, is_paced: Callable[[str], bool]) -> None:
        self._is_paced = is_paced
        self._usages: dict[Account, Usage] = {}
        self._changed: set[Account] = set()

    def usage(self, account: Account) -> Usage | None:
        """What was counted; None where nothing was."""
        return self._usages.get(account)

    def restore(self, key: bytes, value: bytes) -> None:
        """Take an entry of the snapshot."""
        channel, _, rule = key.removeprefix(PREFIX).decode().partition("\0")
        self._usages[channel, rule] = _decode(value)

    def learn(self, offset: int, fact: DeliveryFact, before: Delivery | None) -> None:
        """Count a fact, with what was known of its command before it."""
        if fact.fact is FactKind.ATTEMPT_STARTED:
            for account in self._accounts(fact, before):
                self._count(account, offset, fact.at, 1)
        elif fact.fact in _NOTHING_SENT and fact.attempt and before:
            outcome = before.outcome(fact.attempt)
            began = before.began(fact.attempt)
            if began and (outcome is None or outcome.fact is FactKind.IN_DOUBT):
                for account in self._accounts(fact, before):
                    self._count(account, offset, began, -1)

    def changes(self) -> dict[bytes, bytes]:
        """What the snapshot lacks, by its keys; asked for once."""
        changed, self._changed = self._changed, set()
        return {
            PREFIX + f"{channel}\0{rule}".encode(): _encode(self._usages[channel, rule]) for channel, rule in changed
        }

    def _accounts(self, fact: DeliveryFact, before: Delivery | None) -> Iterator[Account]:
        if self._is_paced(fact.channel):
            yield fact.channel, ""
        if before and before.command and before.command.pace is not None:
            yield fact.channel, lane_of(before.command).rule

    def _count(self, account: Account, offset: int, began: datetime, change: int) -> None:
        usage = self._usages.get(account)
        if usage is None:
            if change < 0:
                return
            usage = self._usages[account] = Usage(-1, began, began, {})
        if offset <= usage.upto or (change < 0 and began < usage.first):
            return
        usage.upto = offset
        quarter = _quarter(began)
        count = usage.quarters.get(quarter, 0) + change
        if count > 0:
            usage.quarters[quarter] = count
        else:
            usage.quarters.pop(quarter, None)
        if change > 0:
            usage.last = began
            if len(usage.quarters) > _KEPT.total_seconds() / _QUARTER:
                oldest = _quarter(usage.last - _KEPT)
                usage.quarters = {each: count for each, count in usage.quarters.items() if each >= oldest}
        self._changed.add(account)


def _quarter(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp()) // _QUARTER


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Usage).decode
