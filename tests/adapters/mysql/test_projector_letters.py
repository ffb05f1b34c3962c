"""What becomes of dead letters: redriven, failed again, discarded, in whatever order it is told."""

from itertools import permutations

import pytest

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from schemas import headers as names
from schemas.audit import AuditAction
from streams import topics
from tests.adapters.mysql.log import Log, LogRecord, at, one

pytestmark = pytest.mark.integration

LETTER = f"normalizer:{topics.RAW_WEBHOOK}/0@7"
REDRIVEN, DISCARDED = AuditAction.DEAD_LETTER_REDRIVEN, AuditAction.DEAD_LETTER_DISCARDED


def died(log: Log, round_: int = 0, reason: str = "first reason") -> LogRecord:
    """The letter's failure in a round; each redrive lies behind the first record."""
    told = {names.SOURCE_OFFSET: str(7 + 10 * round_), names.ERROR_MESSAGE: reason}
    return log.dead(b"x", told | ({names.REDRIVE: f"{LETTER}#{round_}"} if round_ else {}))


async def test_a_letter_that_fails_again_is_one_letter_with_both_reasons(
    database: Database, projector: Projector
) -> None:
    log = Log()
    await projector.project([died(log), log.done(REDRIVEN, LETTER, 1)])
    row = await one(database, "dead_letters")
    assert (row["state"], row["round"], row["failures"]) == ("redriven", 1, 1)
    assert row["redriven_at"] == at(50).replace(tzinfo=None)

    await projector.project([died(log, 1, "second reason")])

    row = await one(database, "dead_letters")
    assert (row["state"], row["round"], row["failures"], row["error_message"]) == ("open", 1, 2, "second reason")
    past = await database.fetch("SELECT * FROM dead_letter_history ORDER BY round, at")
    assert [(one["round"], one["what"], one["error_message"], one["actor"], one["record"]) for one in past] == [
        (0, "failed", "first reason", None, "raw.webhook/0@7"),
        (1, "failed", "second reason", None, "raw.webhook/0@17"),
        (1, "redriven", None, "Ana", "raw.webhook/0@1001"),
    ]


async def test_who_discards_a_letter_is_on_record_and_it_stays_so_until_it_is_redriven(
    database: Database, projector: Projector
) -> None:
    log = Log()
    await projector.project([died(log), log.done(DISCARDED, LETTER, 0)])
    assert (await one(database, "dead_letters"))["state"] == "discarded"
    audit = await one(database, "audit_log")
    assert (audit["actor"], audit["action"], audit["subject"]) == ("Ana", "dead_letter.discarded", LETTER)

    await projector.project([log.done(REDRIVEN, LETTER, 1)])
    assert (await one(database, "dead_letters"))["state"] == "redriven"


async def test_any_order_of_what_is_told_of_a_letter_gives_the_same_row(
    database: Database, projector: Projector
) -> None:
    rows = []
    for order in permutations(range(4)):
        for table in ("dead_letters", "dead_letter_history", "projection_offsets"):
            await database.execute(f"DELETE FROM {table}")  # noqa: S608
        log = Log()
        told = [died(log), died(log, 1, "again"), log.done(REDRIVEN, LETTER, 1), log.done(DISCARDED, LETTER, 1, 1)]
        for place in order:
            if place != 1 or order.index(0) < order.index(1):  # of one partition the order is sure
                await projector.project([told[place]])
            else:
                await projector.project([told[0], told[1]])
        row = await one(database, "dead_letters")
        rows.append(tuple(row[name] for name in ("state", "round", "failures", "error_message", "letter_offset")))
    assert set(rows) == {("discarded", 1, 2, "again", 0)}


async def test_whose_a_letter_is_is_told_by_what_could_not_be_processed(
    database: Database, projector: Projector
) -> None:
    log = Log()
    event = b'{"channel":"Canal Um","tenant_id":"7","trace_id":"t-1","payload":[]}'
    webhook = b'{"session":{"id":"Canal Dois"}, broken'
    raw = {names.SOURCE_TOPIC: topics.RAW_EVENT}
    await projector.project([log.dead(event, raw), log.dead(webhook), log.dead(b"\xff" * 99, raw)])

    rows = await database.fetch("SELECT channel_id, tenant_id, trace_id FROM dead_letters ORDER BY letter_offset")

    assert [tuple(row.values()) for row in rows] == [
        ("canalum", 7, "t-1"),
        ("canaldois", None, "trace-dead"),
        (None, None, "trace-dead"),
    ]


@pytest.mark.parametrize("subject", ["", "nonsense", "normalizer:raw.webhook/0", "x" * 5_000])
async def test_a_word_about_no_letter_is_in_the_audit_alone(
    database: Database, projector: Projector, subject: str
) -> None:
    await projector.project([Log().done(REDRIVEN, subject, 1)])

    assert await database.fetch("SELECT * FROM dead_letters") == []
    assert (await one(database, "audit_log"))["actor"] == "Ana"
