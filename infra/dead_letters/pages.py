"""Dead letters page by page."""

from typing import Final

from adapters.mysql.lists import Position, Table, Wanted, found
from adapters.mysql.pool import Database
from infra.dead_letters.filters import OF_TENANT
from infra.dead_letters.found import COLUMNS, FoundLetter, letter_of

TABLE: Final = Table(
    name="dead_letters",
    columns=", ".join(f"one.{name}" for name in COLUMNS),
    time="failed_at",
    unique="unique_id",
    conditions={
        "trace": "trace_id = %s",
        "state": "state = %s",
        "stage": "stage = %s",
        "error": "error_class = %s",
        "topic": "source_topic = %s",
        "tenant": OF_TENANT,
        "channel": "channel_id = %s",
        "text": "LOCATE(%s, error_message COLLATE utf8mb4_general_ci) > 0",
    },
    indexes={"trace": "by_trace", "state": "by_state_and_failure", None: "by_failure"},
    always="letter_offset IS NOT NULL",
)


async def page(db: Database, wanted: Wanted) -> tuple[list[FoundLetter], Position | None]:
    """Letters, those that failed last first, and the position after which the list goes on."""
    page = await found(db, TABLE, wanted)
    return [letter_of(row) for row in page.rows], page.after
