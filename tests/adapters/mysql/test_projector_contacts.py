"""Contacts and their links: a lid and its phone as one person, or the reason why not."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from adapters.mysql.errors import DataRefusedError
from adapters.mysql.pool import Database, Row
from adapters.mysql.projector import ProjectionError, Projector
from schemas.contacts import ContactLink, LinkChange, LinkEvidence
from streams import identity, topics
from streams.contact_links import claims, resolve
from tests.adapters.mysql import random_log
from tests.adapters.mysql.log import PHONE, Log, LogRecord, at, link, message, one
from tests.adapters.mysql.test_projector_order import overlapped

pytestmark = pytest.mark.integration

LID = "100000000000001@lid"
KEY = identity.match_key(PHONE)
OTHER = "5547999990002@c.us"


async def contact(database: Database, key: str = LID, tenant_id: int = 1) -> Row:
    [row] = await database.fetch("SELECT * FROM contacts WHERE contact = %s AND tenant_id = %s", (key, tenant_id))
    return row


def state(row: Row) -> tuple[str | None, str | None, str | None, str]:
    return row["link_state"], row["same_as"], row["link_reason"], row["person"]


def undone(seconds: float, **fields: Any) -> ContactLink:
    return link(LID, evidence=LinkEvidence.OPERATOR, seconds=seconds, what=LinkChange.UNDONE, **fields)


async def test_a_lid_without_evidence_is_unresolved_and_a_phone_needs_none(
    database: Database, projector: Projector
) -> None:
    log = Log()
    await projector.project([log.accepted(message("AA1", chat=LID)), log.accepted(message("AA2"))])
    assert state(await contact(database)) == ("unresolved", None, "no evidence", LID)
    assert state(await contact(database, KEY)) == (None, None, None, KEY)


async def test_a_link_makes_a_lid_and_its_phone_one_person(database: Database, projector: Projector) -> None:
    log = Log()
    await projector.project(
        [log.accepted(message("AA1", chat=LID)), log.accepted(message("AA2")), log.linked(link(LID))]
    )
    assert state(await contact(database)) == ("resolved", KEY, None, KEY)
    people = await database.fetch("SELECT person, COUNT(*) AS ids FROM contacts GROUP BY person")
    assert [(row["person"], row["ids"]) for row in people] == [(KEY, 2)]


async def test_a_link_shows_its_first_evidence_and_an_operators_last_word(
    database: Database, projector: Projector
) -> None:
    log = Log()
    first = link(LID, evidence=LinkEvidence.PAYLOAD, seconds=3, event_id="event-1", trace_id="trace-1")
    said = [link(LID, seconds=9), first, undone(20, by="Bia"), undone(10)]
    await projector.project([log.linked(each) for each in said])
    row = await one(database, "contact_links")
    assert (row["contact"], row["same_as"], row["phone"]) == (LID, KEY, f"{PHONE}@c.us")
    assert (row["evidence"], row["evidence_event_id"], row["evidence_trace_id"]) == ("payload", "event-1", "trace-1")
    assert row["evidence_at"] == at(3).replace(tzinfo=None)
    assert (row["decision"], row["decided_by"], row["decision_reason"]) == ("undone", "Bia", "asked")
    assert row["decided_at"] == at(20).replace(tzinfo=None)


async def test_what_was_undone_stays_so_when_evidence_comes_again(database: Database, projector: Projector) -> None:
    log = Log()
    await projector.project([log.accepted(message("AA1", chat=LID)), log.linked(link(LID))])
    await projector.project([log.linked(undone(30))])
    assert state(await contact(database)) == ("unresolved", None, "undone by Ana", LID)
    await projector.project([log.linked(link(LID, seconds=40)), log.accepted(message("AA2", chat=LID))])
    assert state(await contact(database)) == ("unresolved", None, "undone by Ana", LID)
    await projector.project([log.linked(link(LID, evidence=LinkEvidence.OPERATOR, seconds=50))])
    assert state(await contact(database)) == ("resolved", KEY, None, KEY)


async def test_two_phones_are_ambiguous(database: Database, projector: Projector) -> None:
    log = Log()
    await projector.project([log.linked(link(LID)), log.linked(link(LID, OTHER))])
    assert state(await contact(database)) == ("unresolved", None, "ambiguous: 2 phones", LID)


async def test_a_lid_that_only_a_link_names_was_never_seen(database: Database, projector: Projector) -> None:
    log = Log()
    await projector.project([log.linked(link(LID))])
    row = await contact(database)
    assert (row["first_seen_at"], row["last_seen_at"], row["network_id"]) == (None, None, None)
    await projector.project([log.accepted(message("AA1", chat=LID, occurred_at=at(5)))])
    row = await contact(database)
    assert row["first_seen_at"] == row["last_seen_at"] == at(5).replace(tzinfo=None)
    assert (row["network_id"], row["same_as"]) == (LID, KEY)


async def test_a_link_is_a_tenants_own(database: Database, projector: Projector) -> None:
    log = Log()
    await projector.project([log.accepted(message("AA1", chat=LID)), log.linked(link(LID, tenant_id=2))])
    assert (await contact(database))["same_as"] is None
    assert (await contact(database, tenant_id=2))["same_as"] == KEY


@pytest.mark.parametrize("seed", range(8))
async def test_the_tables_say_what_the_facts_come_to(database: Database, projector: Projector, seed: int) -> None:
    random, log = Random(seed), Log()
    facts = [fact for number in range(12) for fact in random_log.links(random, number)]
    records = [log.linked(fact, random.randrange(2)) for fact in facts]
    for batch in random_log.deliveries(random, records):
        await projector.project(batch)
    for lid in {fact.lid for fact in facts}:
        expected = resolve(claims(fact for fact in facts if fact.lid == lid))
        row = await contact(database, lid)
        assert (row["same_as"], row["link_reason"]) == (expected.phone, expected.reason)


@pytest.mark.parametrize("message_first", [True, False])
async def test_a_contact_and_its_link_that_are_written_at_once_know_of_each_other(
    database: Database, message_first: bool
) -> None:
    log = Log()
    said, linked = [log.accepted(message("AA1", chat=LID))], [log.linked(link(LID))]
    pair: Sequence[list[LogRecord]] = (said, linked) if message_first else (linked, said)
    await overlapped(database, pair[0], pair[1], transaction=2)
    assert state(await contact(database)) == ("resolved", KEY, None, KEY)


@pytest.mark.parametrize(
    "value",
    [
        b"{}",
        b'{"lid":"100000000000001@lid"}',
        None,
    ],
)
async def test_what_is_no_link_is_refused(projector: Projector, value: bytes | None) -> None:
    with pytest.raises(ProjectionError):
        await projector.project([Log().append(topics.CONTACT_LINK, value)])


@pytest.mark.parametrize(("lid", "phone"), [("5547999990001", f"{PHONE}@c.us"), (LID, LID), (LID, "x@c.us")])
async def test_a_link_between_other_things_than_a_lid_and_a_phone_is_refused(
    projector: Projector, lid: str, phone: str
) -> None:
    with pytest.raises(ProjectionError):
        await projector.project([Log().linked(link(lid, phone))])


async def test_a_link_that_the_tables_cannot_hold_is_refused_alone(database: Database, projector: Projector) -> None:
    log = Log()
    unheard = log.linked(link(LID, event_id="e" * 37))
    with pytest.raises((ProjectionError, DataRefusedError)):
        await projector.project([unheard])
    await projector.project([log.linked(link(LID))])
    assert (await contact(database))["same_as"] == KEY
