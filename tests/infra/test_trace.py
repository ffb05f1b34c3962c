"""`posto trace`: finding an event by whatever is at hand, and telling its story."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from infra import trace_view
from infra.database import database as database_of
from infra.errors import OperatorError
from infra.migrations import migrate
from infra.settings import Settings, load
from infra.trace import find, traces
from schemas import headers as names
from schemas.deliveries import AckStatus, FactKind, Status
from schemas.events import NO_RULE, Action, Coordinates, Decision, Kind
from streams import identity, topics
from tests.adapters.mysql.log import PHONE, Log, ack, command_of, fact, invoice, message
from tests.support.stack import posto

EVENT = invoice(trace_id="0af7651916cd43dd8448eb211c80319c")
COMMAND = command_of(EVENT, text="Olá, Ana! Sua fatura venceu.")


@pytest.fixture
async def settings(mysql: str) -> Settings:
    settings = load(mysql_dsn=mysql)
    await migrate(settings)
    return settings


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """One invoice to the blue ticks, with a duplicate; one inbound message of the same phone; one dead letter."""
    opened, log = database_of(settings), Log()
    again = invoice(kind=Kind.DUPLICATE, decision=None, raw=Coordinates(topics.RAW_EVENT, 2, 9))
    await Projector(opened).project(
        [
            log.accepted(EVENT),
            log.accepted(again),
            log.reported(fact(COMMAND, FactKind.ACCEPTED, Status.QUEUED, 2, command=COMMAND)),
            log.reported(fact(COMMAND, FactKind.ATTEMPT_STARTED, Status.ATTEMPTING, 3, attempt=1)),
            log.reported(
                fact(
                    COMMAND, FactKind.ANSWERED, Status.SENT, 4, attempt=1, provider_message_id=f"true_{PHONE}@c.us_3EB0"
                )
            ),
            log.reported(
                fact(
                    COMMAND,
                    FactKind.ACKED,
                    Status.READ,
                    6,
                    attempt=1,
                    ack=AckStatus.READ,
                    evidence=Coordinates(topics.DELIVERY_EVIDENCE, 3, 14),
                )
            ),
            log.accepted(message("3EB0AA01", "oi, tudo bem?", trace_id="trace-inbound")),
            log.accepted(ack("3EB0", "read", contact=identity.match_key(PHONE))),
            log.dead(b"garbage", {names.TRACE_ID: "trace-of-garbage"}),
        ]
    )
    yield opened
    await opened.close()


@pytest.mark.integration
@pytest.mark.parametrize(
    "wanted", [EVENT.event_id, EVENT.event_id.upper(), EVENT.trace_id, COMMAND.command_id, EVENT.idempotency_key]
)
async def test_an_event_is_found_by_any_of_its_ids(database: Database, wanted: str) -> None:
    (found,) = await traces(database, wanted)
    assert found.event is not None
    assert found.event.event_id == EVENT.event_id


@pytest.mark.integration
@pytest.mark.parametrize("wanted", [PHONE, "+55 (47) 99999-0001", "47999990001", f"{PHONE}@c.us"])
async def test_a_phone_finds_what_went_to_it_and_came_from_it_the_newest_first(database: Database, wanted: str) -> None:
    found = await traces(database, wanted)
    assert [trace.event and trace.event.event_type for trace in found] == [
        "whatsapp.inbound.message",
        "billing.invoice.overdue",
    ]


@pytest.mark.integration
async def test_a_trace_tells_the_whole_story(database: Database) -> None:
    (found,) = await traces(database, EVENT.event_id)
    assert found.event is not None
    assert (found.event.status, found.event.rule_id, found.event.duplicates) == ("processed", "overdue", 1)
    assert [sighting.kind for sighting in found.sightings] == ["accepted", "duplicate"]
    (command,) = found.commands
    assert (command.status, command.recipient, command.text) == ("read", PHONE, COMMAND.text)
    assert [one.fact for one in command.facts] == ["accepted", "attempt_started", "answered", "acked"]
    assert command.facts[-1].detail["evidence"] == {"topic": "delivery.evidence", "partition": 3, "offset": 14}
    (said,) = found.messages
    assert (said.direction, said.status) == ("outbound", "read")


@pytest.mark.integration
async def test_a_dead_letter_is_found_by_its_trace(database: Database) -> None:
    (found,) = await traces(database, "trace-of-garbage")
    assert (found.event, found.dead_letters[0].stage) == (None, "normalizer")


@pytest.mark.integration
async def test_the_view_shows_each_step_with_its_time_and_place(database: Database) -> None:
    (found,) = await traces(database, EVENT.event_id)
    console = Console(record=True, width=200)
    trace_view.print_trace(console, found)
    shown = console.export_text()
    for said in (
        f"trace {EVENT.trace_id}",
        "raw.event/2@9",
        "billing.invoice.overdue",
        "overdue v3 → whatsapp",
        "attempt_started (1)",
        "15:00:04.050   +3.050s",
        "delivery.status/0@2",
        "acked read (1)",
        "by delivery.evidence/3@14",
        COMMAND.text,
        PHONE,
    ):
        assert said in shown


@pytest.mark.integration
async def test_nothing_is_lost_on_a_narrow_terminal(database: Database) -> None:
    (found,) = await traces(database, EVENT.event_id)
    console = Console(record=True, width=60)
    trace_view.print_trace(console, found)
    assert "delivery.evidence/3@14" in re.sub(r"[│├└─\s]", "", console.export_text())


@pytest.mark.integration
async def test_a_discreet_trace_holds_neither_phones_nor_texts(database: Database) -> None:
    for found in await traces(database, PHONE):
        known = str(trace_view.discreet(found))
        assert "999990001" not in known
        assert "99990001" not in known
        assert "Ana" not in known
        assert "tudo bem" not in known
        assert found.trace_id in known


async def shown(settings: Settings, *records: Any, wanted: str, discreetly: bool = False) -> str:
    """The trace of what these records tell, as people see it."""
    opened = database_of(settings)
    await Projector(opened).project(list(records))
    (found,) = await traces(opened, wanted)
    await opened.close()
    console = Console(record=True, width=200)
    trace_view.print_trace(console, trace_view.discreet(found) if discreetly else found)
    return console.export_text()


@pytest.mark.integration
async def test_a_rejected_event_says_its_reason_once(settings: Settings) -> None:
    reason = "template 'bill': variable 'amount' is missing"
    decision = Decision(
        action=Action.WHATSAPP, rule_id="overdue", rule_version=3, template="bill", tenant_id=1, reason=reason
    )
    rejected = invoice(kind=Kind.REJECTED, decision=decision)
    log = Log()
    letter = log.dead(b"{}", {names.TRACE_ID: rejected.trace_id, names.STAGE: "router", names.ERROR_MESSAGE: reason})
    tree = await shown(settings, log.accepted(rejected), letter, wanted=rejected.event_id)
    assert f"rule     overdue v3 → whatsapp, template bill ({reason})" in tree
    assert "router: for the reason above (" in tree
    assert tree.count(reason) == 1
    assert "None" not in tree
    assert "RejectedError" not in tree


@pytest.mark.integration
@pytest.mark.parametrize(
    ("kind", "reason", "said"),
    [
        (Kind.QUARANTINED, "channel outro belongs to no tenant", "not asked for: channel outro belongs to no tenant"),
        (Kind.ACCEPTED, None, "none matches"),
    ],
)
async def test_an_event_without_a_rule_says_why(settings: Settings, kind: Kind, reason: str | None, said: str) -> None:
    event = invoice(kind=kind, decision=Decision(action=NO_RULE, reason=reason))
    assert f"rule     {said}\n" in await shown(settings, Log().accepted(event), wanted=event.event_id)


@pytest.mark.integration
async def test_a_discreet_trace_hides_short_numbers_too(settings: Settings) -> None:
    event = invoice(contact="4711", conversation_id="canalum:4711")
    command = command_of(event, to="4711")
    accepted = Log().reported(fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command))
    assert "4711" not in await shown(settings, Log().accepted(event), accepted, wanted=event.event_id, discreetly=True)


@pytest.mark.integration
async def test_markup_in_what_people_wrote_is_shown_as_it_is(settings: Settings) -> None:
    opened = database_of(settings)
    await Projector(opened).project([Log().accepted(message("3EB0AA01", "[red]oi[/red] [/]"))])
    (found,) = await traces(opened, PHONE)
    await opened.close()
    console = Console(record=True)
    trace_view.print_trace(console, found)
    assert "[red]oi[/red] [/]" in console.export_text()


@pytest.mark.integration
async def test_the_file_of_a_message_is_shown_with_its_state(settings: Settings) -> None:
    opened, log = database_of(settings), Log()
    pending = message("3EB0AA01", payload={"type": "ptt", "text": None, "media": {"state": "pending"}})
    file = {"state": "ready", "ref": "sha256:" + "1234567890" * 6 + "abcd", "mimetype": "audio/ogg", "size": 66_000}
    ready = message("3EB0AA01", payload={"type": "ptt", "text": None, "media": file}, revision=3, kind=Kind.UPDATED)
    failed = message("3EB0AA02", payload={"media": {"state": "failed", "reason": "media_not_found"}})
    await Projector(opened).project([log.accepted(event) for event in (pending, ready, failed)])
    shown = []
    for event in (ready, failed):
        (found,) = await traces(opened, event.event_id)
        console = Console(record=True, width=200)
        trace_view.print_trace(console, trace_view.discreet(found))
        shown.append(console.export_text())
    await opened.close()
    assert f"file ready  audio/ogg  66000 bytes  {file['ref']}" in shown[0]
    assert "file failed (media_not_found)" in shown[1]


@pytest.mark.integration
def test_the_command_lists_several_and_shows_one(database: Database, mysql: str, tmp_path: Path) -> None:
    settings = {"MYSQL_DSN": mysql}
    several = posto(tmp_path, settings, "trace", PHONE)
    assert several.returncode == 0, several.stderr
    assert EVENT.event_id in several.stdout
    assert "posto trace <event id>" in several.stdout
    single = posto(tmp_path, settings, "trace", EVENT.event_id)
    assert "acked read" in single.stdout
    assert PHONE not in single.stdout
    personal = posto(tmp_path, settings, "trace", EVENT.event_id, "--show-personal")
    assert PHONE in personal.stdout


@pytest.mark.integration
def test_the_command_speaks_json(database: Database, mysql: str, tmp_path: Path) -> None:
    result = posto(tmp_path, {"MYSQL_DSN": mysql}, "trace", EVENT.event_id, "--json")
    (found,) = json.loads(result.stdout)
    assert found["commands"][0]["facts"][3]["record"] == {"topic": "delivery.status", "partition": 0, "offset": 3}


@pytest.mark.integration
def test_what_is_not_known_is_an_error_with_a_hint(database: Database, mysql: str, tmp_path: Path) -> None:
    result = posto(tmp_path, {"MYSQL_DSN": mysql}, "trace", "nobody", "--json")
    assert (result.returncode, result.stdout) == (1, "[]\n")
    assert "nothing is known of 'nobody'" in result.stderr


async def test_a_database_that_is_away_is_said_at_once() -> None:
    with pytest.raises(OperatorError, match="posto doctor"):
        await find(load(mysql_dsn="mysql://posto:posto@127.0.0.1:1/posto"), "x")
