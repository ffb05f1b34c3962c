"""`posto contacts`: who is who, by whose word, and an operator's word on it."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from infra import contacts_view
from infra.contacts import ContactError, Person, decide, find, people
from infra.errors import OperatorError
from infra.settings import Settings, load
from schemas import headers
from schemas.contacts import ContactLink, LinkChange, LinkEvidence
from streams import identity, topics
from tests.adapters.mysql.log import PHONE, Log, link, message
from tests.support.stack import posto
from tests.support.topics import read

LID, OTHER_LID = "100000000000001@lid", "100000000000002@lid"
KEY = identity.match_key(PHONE)
LINKED, UNDONE = LinkChange.LINKED, LinkChange.UNDONE


@pytest.fixture
async def log(db: Database) -> Log:
    """Messages by a lid, by its phone, and by another lid; the first two are linked."""
    log = Log()
    await Projector(db).project(
        [
            log.accepted(message("AA1", chat=LID)),
            log.accepted(message("AA2")),
            log.accepted(message("AA3", chat=OTHER_LID)),
            log.linked(link(LID, event_id="event-1")),
        ]
    )
    await db.execute("INSERT INTO tenants (id, name) VALUES (1, 'Padaria'), (2, 'Oficina')")
    return log


def ids(person: Person) -> list[str]:
    return [contact.contact for contact in person.contacts]


async def decided(hub: Settings, db: Database, log: Log, what: LinkChange, *about: Any, **said: Any) -> ContactLink:
    """Decide, and let the projector take it from the topic."""
    decision = await decide(hub, what, *about, **{"by": "Ana", "reason": "she said so", **said})
    record = (await read(hub.kafka_bootstrap_servers, topics.CONTACT_LINK))[-1]
    assert msgspec.json.decode(record.value, type=ContactLink) == decision
    assert record.key == decision.lid.encode()
    assert dict(record.headers)[headers.TRACE_ID] == decision.trace_id.encode()
    await Projector(db).project([log.append(topics.CONTACT_LINK, record.value)])
    return decision


@pytest.mark.integration
@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    "spelled", [LID, "100000000000001", PHONE, "+55 (47) 99999-0001", "47 99999-0001", "554799990001@s.whatsapp.net"]
)
async def test_a_person_is_found_by_any_spelling_of_any_id(hub: Settings, spelled: str) -> None:
    [person] = await find(hub, spelled)
    assert (person.person, person.tenant_id, ids(person)) == (KEY, 1, [LID, KEY])
    [said] = person.links
    assert (said.lid, said.phone, said.evidence, said.decision) == (LID, f"{PHONE}@c.us", LinkEvidence.GATEWAY, None)


@pytest.mark.integration
@pytest.mark.usefixtures("log")
async def test_a_lid_that_nobody_knows_says_why(db: Database) -> None:
    [person] = await people(db, OTHER_LID)
    [contact] = person.contacts
    assert (contact.link_state, contact.link_reason, person.links) == ("unresolved", "no evidence", [])


@pytest.mark.integration
async def test_an_operator_undoes_and_links_again(hub: Settings, db: Database, log: Log) -> None:
    said = await decided(hub, db, log, UNDONE, LID, None)
    assert (said.what, said.by, said.reason, said.tenant_id) == (UNDONE, "Ana", "she said so", 1)
    [person] = await people(db, LID)
    assert (person.person, person.contacts[0].link_reason) == (LID, "undone by Ana")
    assert [person.person for person in await people(db, KEY)] == [KEY]
    await decided(hub, db, log, LINKED, LID, "47 99999-0001")
    [person] = await people(db, LID)
    assert ids(person) == [LID, KEY]


@pytest.mark.integration
async def test_a_phone_that_was_never_seen_is_linked_in_its_full_spelling(
    hub: Settings, db: Database, log: Log
) -> None:
    said = await decided(hub, db, log, LINKED, OTHER_LID, "+55 47 99999-0002")
    assert said.phone == "5547999990002@c.us"
    [person] = await people(db, OTHER_LID)
    assert (person.person, ids(person)) == ("554799990002", [OTHER_LID])


@pytest.mark.integration
@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("what", "about", "said", "problem"),
    [
        (LINKED, (PHONE, PHONE), {}, "is no lid"),
        (LINKED, (LID, OTHER_LID), {}, "is no phone"),
        (LINKED, ("Ana", PHONE), {}, "neither a phone number nor a WhatsApp id"),
        (LINKED, ("100000000000009@lid", PHONE), {}, "No tenant knows"),
        (LINKED, (LID, PHONE), {"tenant_id": 9}, "no tenant 9"),
        (LINKED, (LID, PHONE), {"by": " "}, "--by"),
        (LINKED, (LID, PHONE), {"reason": ""}, "--reason"),
        (LINKED, (LID, PHONE), {"by": "x" * 200}, "at most 191"),
        (UNDONE, (LID, "5547999990002"), {}, "Nothing links"),
        (UNDONE, (OTHER_LID, None), {}, "is linked to nothing"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    hub: Settings, what: LinkChange, about: tuple[Any, Any], said: dict[str, Any], problem: str
) -> None:
    with pytest.raises(OperatorError, match=problem):
        await decide(hub, what, *about, **{"by": "Ana", "reason": "she said so", **said})
    assert await read(hub.kafka_bootstrap_servers, topics.CONTACT_LINK) == []


@pytest.mark.integration
async def test_a_lid_with_two_phones_or_two_tenants_needs_to_be_told_which(
    hub: Settings, db: Database, log: Log
) -> None:
    await Projector(db).project([log.linked(link(LID, "5547999990002@c.us")), log.linked(link(LID, tenant_id=2))])
    with pytest.raises(ContactError, match="Tenants 1, 2 know"):
        await decide(hub, UNDONE, LID, None, by="Ana", reason="x")
    with pytest.raises(ContactError, match="has 2 links: say which phone"):
        await decide(hub, UNDONE, LID, None, by="Ana", reason="x", tenant_id=1)
    await decided(hub, db, log, UNDONE, LID, "5547999990002", tenant_id=1)
    assert ids((await people(db, LID))[0]) == [LID, KEY]


@pytest.mark.integration
async def test_the_view_tells_who_said_what_and_hides_the_personal(hub: Settings, db: Database, log: Log) -> None:
    await decided(hub, db, log, UNDONE, LID, None, reason=f"{PHONE} is her sister")
    [person] = await people(db, LID)
    shown = _shown(person)
    assert f"{LID} = {PHONE}@c.us" in shown
    assert "unresolved: undone by Ana" in shown
    assert "linked by gateway on canalum, event event-1" in shown
    assert f"undone by Ana: {PHONE} is her sister" in shown
    hidden = _shown(contacts_view.discreet(person))
    for personal in ("999990001", "99990001", "0000000000", "Contato"):
        assert personal not in hidden
    assert "undone by Ana" in hidden


def _shown(person: Person) -> str:
    console = Console(record=True, width=300)
    contacts_view.print_person(console, person)
    return console.export_text()


@pytest.mark.integration
def test_the_commands_work_from_a_shell(hub: Settings, log: Log, tmp_path: Path) -> None:
    given = {
        "MYSQL_DSN": hub.mysql_dsn.get_secret_value(),
        "KAFKA_BOOTSTRAP_SERVERS": hub.kafka_bootstrap_servers,
    }
    shown = posto(tmp_path, given, "contacts", "show", PHONE)
    assert shown.returncode == 0, shown.stderr
    assert "linked by gateway" in shown.stdout
    assert PHONE not in shown.stdout
    [person] = json.loads(posto(tmp_path, given, "contacts", "show", LID, "--show-personal", "--json").stdout)
    assert [contact["contact"] for contact in person["contacts"]] == [LID, KEY]
    said = ("--by", "Ana", "--reason", "x", "--json")
    assert json.loads(posto(tmp_path, given, "contacts", "unlink", LID, *said).stdout)["what"] == "undone"
    assert json.loads(posto(tmp_path, given, "contacts", "link", LID, PHONE, *said).stdout)["what"] == "linked"
    unknown = posto(tmp_path, given, "contacts", "show", "5547999990009")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    nonsense = posto(tmp_path, given, "contacts", "show", "Ana")
    assert (nonsense.returncode, nonsense.stderr[:6]) == (1, "posto:")


@pytest.mark.integration
@pytest.mark.usefixtures("log")
def test_a_kafka_that_stays_away_is_given_up(hub: Settings, tmp_path: Path) -> None:
    away = {"MYSQL_DSN": hub.mysql_dsn.get_secret_value(), "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    said = ("--by", "Ana", "--reason", "x", "--wait", "0.5")
    result = posto(tmp_path, away, "contacts", "unlink", LID, *said)
    assert (result.returncode, result.stdout) == (1, "")
    assert "Gave up after 0.5 s" in result.stderr


async def test_a_database_that_is_away_is_said_at_once() -> None:
    away = load(_env_file=None, mysql_dsn="mysql://posto:posto@127.0.0.1:1/posto")
    with pytest.raises(ContactError, match="posto doctor"):
        await find(away, PHONE)
    with pytest.raises(ContactError, match="posto doctor"):
        await decide(away, LINKED, LID, PHONE, by="Ana", reason="x")
