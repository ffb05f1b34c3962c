"""What became of the events that are posted to targets."""

from itertools import permutations

import pytest

from adapters.mysql.pool import Database, Row
from adapters.mysql.projector import Projector
from schemas.http_actions import HttpStatus
from tests.adapters.mysql.log import Log, asked, at, one, posting

pytestmark = pytest.mark.integration


async def status(database: Database) -> tuple[str, bool]:
    row: Row = await one(database, "communication_events")
    return row["status"], row["processed_at"] is not None


async def test_an_event_is_under_way_until_its_command_ended(database: Database, projector: Projector) -> None:
    log = Log()
    await projector.project([log.accepted(asked(1))])
    assert await status(database) == ("processing", False)
    await projector.project([log.posted(posting(1, HttpStatus.WAITING, reason="http_503"))])
    assert await status(database) == ("processing", False)
    await projector.project([log.posted(posting(1, HttpStatus.FAILED, 6, reason="http_503"))])
    assert (await status(database))[0] == "failed"
    await projector.project([log.posted(posting(1, HttpStatus.ANSWERED, 7, http_status=200, replies=1, handoff=True))])
    assert await status(database) == ("processed", True)
    row = await one(database, "http_requests")
    assert (row["status"], row["attempts"], row["http_status"], row["reason"]) == ("answered", 7, 200, None)
    assert (row["replies"], row["handoff"], row["target"]) == (1, 1, "responder")
    assert row["ended_at"] == at(8).replace(tzinfo=None)


@pytest.mark.parametrize("order", list(permutations(range(2))))
async def test_the_event_and_its_end_may_come_in_either_order(
    database: Database, projector: Projector, order: tuple[int, ...]
) -> None:
    log = Log()
    records = [log.accepted(asked(1)), log.posted(posting(1, HttpStatus.DROPPED, 0, reason="muted_by_human"))]
    for place in order:
        await projector.project([records[place]])
    assert await status(database) == ("processed", True)
    assert (await one(database, "http_requests"))["reason"] == "muted_by_human"
