"""Draining: a spool's entries on their way to Kafka, in order."""

from typing import Final

from adapters.edge.kafka import KafkaLog
from adapters.edge.log import Entry, LogRefusedError
from adapters.edge.receipts import Receipt
from adapters.edge.spool.errors import SpoolDamagedError
from adapters.edge.spool.rows import Row
from adapters.edge.spool.spool import Spool
from streams import failpoints

_ENTRIES: Final = 1000
_BYTES: Final = 8 * 1_048_576


async def drain_some(spool: Spool, kafka: KafkaLog) -> None:
    """Bring the first entries to Kafka and forget them; waits for as long as Kafka is away.

    What can never get there, for it is damaged or Kafka refuses it, is set aside.
    """
    try:
        rows = await spool.first(_ENTRIES, _BYTES)
    except SpoolDamagedError:
        await spool.salvage()
        return
    await _set_aside(spool, [row for row in rows if row.entry is None], "damaged: the checksum does not fit")
    under_way = [(row, _put(row.entry, kafka)) for row in rows if row.entry is not None]
    kept, refused = [], []
    for row, receipt in under_way:
        error = await receipt.settled() if isinstance(receipt, Receipt) else receipt
        if error is None:
            kept.append(row)
        elif isinstance(error, LogRefusedError):
            refused.append(row)
        else:
            raise error
    failpoints.reach("spool.in_kafka")
    await _set_aside(spool, refused, "refused by Kafka")
    if kept:
        await spool.remove([row.seq for row in kept], sum(row.size for row in kept))


def _put(entry: Entry, kafka: KafkaLog) -> Receipt | LogRefusedError:
    try:
        return kafka.put([entry])
    except LogRefusedError as error:
        return error


async def _set_aside(spool: Spool, rows: list[Row], why: str) -> None:
    if rows:
        await spool.set_aside([row.seq for row in rows], sum(row.size for row in rows), why)
