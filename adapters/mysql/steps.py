"""One step of a projection: what it takes from the records, and the statement that writes it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from adapters.mysql.pool import Session
from adapters.mysql.records import Records
from adapters.mysql.statements import Row, Statement


class Step(Protocol):
    """Something to be done inside the transaction, for the records that are new."""

    async def apply(self, session: Session, records: Records) -> None:
        """Write what follows from the records; doing it twice is doing it once."""


@dataclass(frozen=True, slots=True)
class Write:
    """Rows made of the records alone, written by one statement."""

    rows: Callable[[Records], list[Row]]
    statement: Statement

    async def apply(self, session: Session, records: Records) -> None:
        """Run the statement over all rows, in as few rounds as their size allows."""
        for statement in self.statement.filled(self.rows(records)):
            await session.execute(statement)
