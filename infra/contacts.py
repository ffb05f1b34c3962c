"""Contacts and their links, read from MySQL; what an operator decides about them, written to `contact.link`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from adapters.mysql.errors import DatabaseError
from adapters.mysql.pool import Database, Row
from adapters.mysql.projections.contact_links import claim_of
from infra.database import database
from infra.errors import OperatorError
from infra.kafka import connection, started
from infra.said import LONGEST_NAME, LONGEST_REASON, said
from infra.settings import Settings
from schemas.contacts import ContactLink, LinkChange, LinkEvidence
from streams import identity, topics
from streams.contact_links import linkable
from streams.envelope import headers_for

_SOURCE: Final = "posto"


class ContactError(OperatorError):
    """What was asked about a contact cannot be done; the message says what to do instead."""


class KnownContact(msgspec.Struct, frozen=True, kw_only=True):
    """One id under which somebody writes; a lid says which phone it is (`same_as`), or why nobody knows."""

    contact: str
    display_name: str | None
    network_id: str | None
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    same_as: str | None
    link_state: str | None
    link_reason: str | None


class KnownLink(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of a lid and a phone: the provider's first word, and an operator's last."""

    lid: str
    phone: str
    evidence: LinkEvidence | None
    evidence_at: datetime | None
    evidence_channel: str | None
    evidence_event_id: str | None
    evidence_trace_id: str | None
    decision: LinkChange | None
    decided_at: datetime | None
    decided_by: str | None
    decision_reason: str | None


class Person(msgspec.Struct, frozen=True):
    """One person of a tenant, by all ids that are known to be theirs."""

    tenant_id: int
    person: str
    contacts: Sequence[KnownContact]
    links: Sequence[KnownLink]


async def find(settings: Settings, wanted: str) -> list[Person]:
    """The persons of all tenants that a phone or lid names, however it is spelled.

    ContactError where it names none that there could be, or MySQL cannot be asked.
    """
    key = _key(wanted)
    db = database(settings)
    try:
        return await people(db, key)
    except DatabaseError as error:
        raise ContactError(f"Contacts cannot be read from MySQL: {error}; `posto doctor` says what to do.") from None
    finally:
        await db.close()


async def people(db: Database, key: str) -> list[Person]:
    """The same, by match key, of a database that is open."""
    return [await _person(db, row["tenant_id"], row["person"]) for row in await db.fetch(_PEOPLE, (key, key, key))]


async def decide(
    settings: Settings,
    what: LinkChange,
    lid: str,
    phone: str | None,
    *,
    by: str,
    reason: str,
    tenant_id: int | None = None,
) -> ContactLink:
    """Write an operator's word on a lid and a phone, and return it once all in-sync replicas have it.

    Without a tenant it is the one that knows the lid; without a phone (to undo) the one that the lid is linked to.
    ContactError where that is not sure. Waits for Kafka where it is away.
    """
    by, reason = said("--by", by, LONGEST_NAME), said("--reason", reason, LONGEST_REASON)
    key = _key(lid)
    db = database(settings)
    try:
        tenant_id = await _tenant(db, key, tenant_id)
        spelled = await _phone(db, what, tenant_id, key, phone)
    except DatabaseError as error:
        raise ContactError(f"Contacts cannot be read from MySQL: {error}; `posto doctor` says what to do.") from None
    finally:
        await db.close()
    pair = linkable(key, spelled)
    if pair is None:
        raise ContactError(f"{lid!r} is no lid (14 to 20 digits and @lid), or {phone!r} is no phone.")
    decision = ContactLink(
        lid=pair[0],
        phone=pair[1],
        tenant_id=tenant_id,
        evidence=LinkEvidence.OPERATOR,
        what=what,
        at=datetime.now(UTC),
        trace_id=uuid4().hex,
        by=by,
        reason=reason,
    )
    await _write(settings, decision)
    return decision


async def _write(settings: Settings, decision: ContactLink) -> None:
    kafka = connection(settings)
    headers = headers_for(
        id=str(uuid4()),
        type=f"{topics.CONTACT_LINK}.{decision.what}",
        source=_SOURCE,
        time=decision.at,
        trace_id=decision.trace_id,
        tenant_id=decision.tenant_id,
    )
    producer = await started(lambda: AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True))
    try:
        value, key = msgspec.json.encode(decision), decision.lid.encode()
        await producer.send_and_wait(topics.CONTACT_LINK, value, key=key, headers=headers)
    except KafkaError as error:
        raise ContactError(f"Kafka did not take it: {error}; `posto doctor` says what to do.") from None
    finally:
        await producer.stop()


def _key(spelled: str) -> str:
    try:
        return identity.match_key(identity.recipient(spelled.strip()))
    except ValueError as error:
        raise ContactError(f"{error}.") from None


async def _tenant(db: Database, key: str, given: int | None) -> int:
    if given is not None:
        if not await db.fetch("SELECT id FROM tenants WHERE id = %s", (given,)):
            raise ContactError(f"There is no tenant {given}.")
        return given
    known = [row["tenant_id"] for row in await db.fetch(_TENANTS, (key,))]
    if len(known) == 1:
        return int(known[0])
    who = f"Tenants {', '.join(map(str, known))} know" if known else "No tenant knows"
    raise ContactError(f"{who} {key}: say with --tenant whose contact it is.")


async def _phone(db: Database, what: LinkChange, tenant_id: int, key: str, given: str | None) -> str:
    """The phone that is meant, spelled as an id; what nothing links cannot be undone."""
    links = await db.fetch(
        "SELECT same_as, phone FROM contact_links WHERE tenant_id = %s AND contact = %s", (tenant_id, key)
    )
    phones: dict[str, str] = {row["same_as"]: row["phone"] for row in links}
    if given is None:
        if len(phones) == 1:
            return next(iter(phones.values()))
        problem = f"has {len(phones)} links: say which phone" if phones else "is linked to nothing"
        raise ContactError(f"{key} {problem}.")
    wanted = _key(given)
    if what is LinkChange.UNDONE and wanted not in phones:
        raise ContactError(f"Nothing links {key} and {given}.")
    recipient = identity.recipient(given.strip())
    return phones.get(wanted) or (recipient if "@" in recipient else f"{recipient}@c.us")


async def _person(db: Database, tenant_id: int, person: str) -> Person:
    contacts = await db.fetch(_CONTACTS, (tenant_id, person))
    links = await db.fetch(_LINKS, (tenant_id, person, tenant_id, person))
    return Person(tenant_id, person, [_contact(row) for row in contacts], [_link(row) for row in links])


def _contact(row: Row) -> KnownContact:
    times = {name: _utc(row[name]) for name in ("first_seen_at", "last_seen_at")}
    return msgspec.convert({**row, **times}, KnownContact)


def _link(row: Row) -> KnownLink:
    claim = claim_of(row)
    return KnownLink(
        lid=row["contact"],
        phone=claim.spelled,
        evidence=claim.evidence,
        evidence_at=_utc(claim.evidence_at),
        evidence_channel=claim.evidence_channel,
        evidence_event_id=claim.evidence_event_id,
        evidence_trace_id=claim.evidence_trace_id,
        decision=claim.decision,
        decided_at=_utc(claim.decided_at),
        decided_by=claim.decided_by,
        decision_reason=claim.decision_reason,
    )


def _utc(naive: datetime | None) -> datetime | None:
    return None if naive is None else naive.replace(tzinfo=UTC)


_PEOPLE: Final = """
SELECT tenant_id, person FROM contacts WHERE contact = %s
UNION SELECT tenant_id, person FROM contacts WHERE person = %s
UNION SELECT tenant_id, same_as FROM contact_links WHERE same_as = %s
ORDER BY tenant_id, person
"""
_TENANTS: Final = "SELECT DISTINCT tenant_id FROM contacts WHERE contact = %s ORDER BY tenant_id"
_CONTACTS: Final = "SELECT * FROM contacts WHERE tenant_id = %s AND person = %s ORDER BY contact"
_LINKS: Final = """
SELECT link.* FROM contact_links AS link WHERE link.tenant_id = %s AND link.same_as = %s
UNION SELECT link.* FROM contacts AS contact JOIN contact_links AS link
    ON link.tenant_id = contact.tenant_id AND link.contact = contact.contact
    WHERE contact.tenant_id = %s AND contact.person = %s
ORDER BY contact, same_as
"""
