"""Draining: a spool's entries on their way to Kafka, in order, and the way back from the spool to Kafka alone."""

from collections.abc import Callable, Sequence
from typing import Final

from adapters.edge.kafka import KafkaLog
from adapters.edge.log import LogRefusedError
from adapters.edge.receipts import Item, items
from adapters.edge.spool.rows import Row
from adapters.edge.spool.spool import Spool
from streams import failpoints

_ENTRIES: Final = 1000
_BYTES: Final = 8 * 1_048_576


async def drain_some(spool: Spool, kafka: KafkaLog) -> bool:
    """Bring the first entries to Kafka and forget them; waits for as long as Kafka is away. Whether that was all.

    What can never get there, for it is damaged or Kafka refuses it, is set aside.
    """
    rows, is_all = await spool.first(_ENTRIES, _BYTES)
    damaged = [row for row in rows if row.entry is None]
    if damaged:
        await spool.set_aside([row.seq for row in damaged], _size(damaged), "damaged: the checksum does not fit")
    await _bring(spool, kafka, rows)
    return is_all


async def hand_over(spool: Spool, kafka: KafkaLog, switch: Callable[[Sequence[Item]], None]) -> bool:
    """Put the rest of the spool before whatever goes to Kafka by itself from now on; False where it is too much.

    Requests never cease, so the spool alone would never be empty. What lies there is lined up for Kafka, behind it what
    waits for the disk, and at that moment `switch` is called, with what has no place on the disk.
    """
    async with spool.paused():
        rows, is_all = await spool.first(_ENTRIES, _BYTES)
        if not is_all or any(row.entry is None for row in rows):
            return False
        lying = _items(rows)
        waiting = spool.take_back()
        kafka.line_up([*lying, *waiting])
        switch(waiting)
    await _settle(spool, lying)
    return True


async def _bring(spool: Spool, kafka: KafkaLog, rows: Sequence[Row]) -> None:
    lying = _items(rows)
    kafka.line_up(lying)
    await _settle(spool, lying)


def _items(rows: Sequence[Row]) -> list[Item]:
    made = []
    for row in rows:
        if row.entry is not None:
            [item], _ = items([row.entry])
            item.seq = row.seq
            made.append(item)
    return made


async def _settle(spool: Spool, lying: Sequence[Item]) -> None:
    for item in lying:
        error = await item.receipt.settled()
        if error is not None and not isinstance(error, LogRefusedError):
            raise error
    failpoints.reach("spool.in_kafka")
    await spool.settle(lying)


def _size(rows: Sequence[Row]) -> int:
    return sum(row.size for row in rows)
