"""What a partition has to do, and what is due: memory over a table. Pure but for the table's writes."""

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime

from streams.errands.errand import Errand, decode
from streams.sending.book import Table


class Book:
    """The errands of one partition; the table has each before the book knows of it.

    `unreadable` are the keys of rows that another version wrote: they stay in the table, for one that can read them.
    """

    def __init__(self, partition: int, table: Table) -> None:
        self._partition = partition
        self._table = table
        self._errands: dict[bytes, Errand] = {}
        self._moments: list[tuple[datetime, bytes]] = []
        self.unreadable: list[bytes] = []
        for key, value in table.items(partition):
            try:
                self._enter(decode(value))
            except ValueError:
                self.unreadable.append(key)

    def __len__(self) -> int:
        return len(self._errands)

    async def take(self, errands: Iterable[Errand]) -> int:
        """Take those that are not known yet, and say how many; one that is known keeps its tries and its time."""
        new = {errand.id: errand for errand in errands if errand.id not in self._errands}
        await self._table.write(self._partition, {errand.id: errand.encode() for errand in new.values()})
        for errand in new.values():
            self._enter(errand)
        return len(new)

    async def put_off(self, errand: Errand) -> None:
        """Know an errand with other tries and another time."""
        await self._table.write(self._partition, {errand.id: errand.encode()})
        self._enter(errand)

    async def forget(self, errand: Errand) -> None:
        """An errand is over."""
        await self._table.write(self._partition, {errand.id: None})
        self._errands.pop(errand.id, None)

    def leave(self, errand: Errand) -> None:
        """Leave an errand to the next owner."""
        self._errands.pop(errand.id, None)

    def due(self, now: datetime) -> Sequence[Errand]:
        """The errands whose time has come, each once for each time that it was given."""
        found = []
        while self._moments and self._moments[0][0] <= now:
            moment, key = heapq.heappop(self._moments)
            errand = self._errands.get(key)
            if errand is not None and errand.due == moment:
                found.append(errand)
        return found

    @property
    def next_due(self) -> datetime | None:
        """When `due` is worth another look; None where nothing waits."""
        return self._moments[0][0] if self._moments else None

    def _enter(self, errand: Errand) -> None:
        self._errands[errand.id] = errand
        heapq.heappush(self._moments, (errand.due, errand.id))
