"""What records of event.accepted and delivery.status make of an event's row."""

import pytest

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from schemas.deliveries import AckStatus, FactKind, Status
from schemas.events import NO_RULE, Action, Coordinates, Decision, Kind
from streams import keys, topics
from tests.adapters.mysql.log import CHANNEL, Log, at, command_of, dump, fact, gateway_event, invoice, message, one

pytestmark = pytest.mark.integration


def naive(seconds: float) -> object:
    return at(seconds).replace(tzinfo=None)


async def test_an_event_is_kept_with_its_decision(database: Database, projector: Projector) -> None:
    event = invoice(payload={"to": "5547999990001", "nome": "José 😀", "nested": {"quote": '"\\'}})
    await projector.project([Log().accepted(event)])
    row = await one(database, "communication_events")
    assert row["event_id"] == event.event_id
    assert row["idempotency_key"] == event.idempotency_key
    assert (row["action"], row["rule_id"], row["rule_version"]) == (Action.WHATSAPP, "overdue", 3)
    assert (row["tenant_id"], row["channel_id"], row["status"]) == (1, CHANNEL, "processing")
    assert (row["raw_topic"], row["raw_partition"], row["raw_offset"]) == (topics.RAW_EVENT, 0, 0)
    assert (row["occurred_at"], row["received_at"], row["processed_at"]) == (naive(0), naive(1), None)
    assert row["duplicates"] == 0
    payload = await database.fetch("SELECT JSON_VALUE(payload, '$.nome') AS nome FROM communication_events")
    assert payload == [{"nome": "José 😀"}]


async def test_an_event_that_needs_no_command_is_processed_once_it_is_decided(
    database: Database, projector: Projector
) -> None:
    await projector.project([Log().accepted(message(), seconds=12)])
    row = await one(database, "communication_events")
    assert (row["status"], row["action"], row["processed_at"]) == ("processed", Action.CHAT, naive(12))


async def test_no_rule_is_not_processed(database: Database, projector: Projector) -> None:
    await projector.project([Log().accepted(invoice(decision=Decision(action=NO_RULE, tenant_id=1)))])
    row = await one(database, "communication_events")
    assert (row["status"], row["action"]) == ("no_rule", "no_rule")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (Status.QUEUED, "processing"),
        (Status.ATTEMPTING, "processing"),
        (Status.RETRYING, "processing"),
        (Status.PARKED, "processing"),
        (Status.UNCERTAIN, "processing"),
        (Status.SENT, "processed"),
        (Status.DELIVERED, "processed"),
        (Status.READ, "processed"),
        (Status.PLAYED, "processed"),
        (Status.SUPPRESSED, "processed"),
        (Status.FAILED, "failed"),
        (Status.EXPIRED, "failed"),
        (Status.CANCELLED, "failed"),
    ],
)
async def test_the_commands_state_is_the_events_status_whichever_comes_first(
    database: Database, projector: Projector, state: Status, expected: str
) -> None:
    log, late = Log(), invoice(2)
    for event in (invoice(1), late):
        command = command_of(event)
        accepted = [] if event is late else [log.accepted(event)]
        await projector.project(
            [
                *accepted,
                log.reported(fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command)),
                log.reported(fact(command, FactKind.ATTEMPT_STARTED, state, 3, attempt=1)),
            ]
        )
    await projector.project([log.accepted(late)])
    rows = await database.fetch("SELECT status, processed_at FROM communication_events")
    assert [row["status"] for row in rows] == [expected, expected]
    assert rows[0] == rows[1]


async def test_a_late_delivery_turns_a_failed_event_into_a_processed_one(
    database: Database, projector: Projector
) -> None:
    log, event = Log(), invoice()
    command = command_of(event)
    await projector.project(
        [
            log.accepted(event),
            log.reported(fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command)),
            log.reported(fact(command, FactKind.REFUSED, Status.FAILED, 3, attempt=1, reason="refused")),
        ]
    )
    assert (await one(database, "communication_events"))["status"] == "failed"
    await projector.project(
        [log.reported(fact(command, FactKind.ACKED, Status.DELIVERED, 9, attempt=1, ack=AckStatus.DELIVERED))]
    )
    row = await one(database, "communication_events")
    assert (row["status"], row["processed_at"]) == ("processed", naive(9))


async def test_duplicates_count_sightings_and_leave_the_row_alone(database: Database, projector: Projector) -> None:
    log = Log()
    first = invoice()
    again = [
        invoice(kind=Kind.DUPLICATE, decision=None, raw=Coordinates(topics.RAW_EVENT, 1, n), trace_id="other")
        for n in range(2)
    ]
    await projector.project([log.accepted(first), log.accepted(again[0])])
    await projector.project([log.accepted(again[1]), log.accepted(again[1])])
    row = await one(database, "communication_events")
    assert (row["duplicates"], row["trace_id"], row["raw_partition"]) == (2, "trace-1", 0)
    assert len(await database.fetch("SELECT * FROM event_sightings")) == 3


async def test_a_conflict_stands_beside_the_event_it_contradicts(database: Database, projector: Projector) -> None:
    log, first = Log(), invoice()
    other = invoice(
        kind=Kind.CONFLICT,
        decision=None,
        fingerprint="b" * 32,
        payload={"to": "5547999990002"},
        raw=Coordinates(topics.RAW_EVENT, 0, 7),
    )
    await projector.project([log.accepted(first), log.accepted(other)])
    await projector.project([log.accepted(other)])
    rows = {row["status"]: row for row in await database.fetch("SELECT * FROM communication_events")}
    assert set(rows) == {"processing", "conflict"}
    assert rows["processing"]["fingerprint"] == "f" * 32
    conflict = rows["conflict"]
    assert conflict["idempotency_key"] == f"{first.idempotency_key}#conflict:{'b' * 32}"
    assert conflict["event_id"] == keys.event_id(conflict["idempotency_key"])
    assert (conflict["action"], rows["processing"]["duplicates"]) == ("no_rule", 1)


@pytest.mark.parametrize("before", [Kind.REJECTED, Kind.QUARANTINED])
async def test_a_later_acceptance_replaces_and_is_never_taken_back(
    database: Database, projector: Projector, before: Kind
) -> None:
    log = Log()
    held = Decision(action=NO_RULE, channel=CHANNEL, reason="not yet")
    refused = invoice(kind=before, decision=held, payload={}, raw=Coordinates(topics.RAW_EVENT, 0, 1))
    await projector.project([log.accepted(refused)])
    row = await one(database, "communication_events")
    assert (row["status"], row["reason"]) == ("failed" if before is Kind.REJECTED else "quarantined", "not yet")
    await projector.project([log.accepted(invoice()), log.accepted(refused)])
    row = await one(database, "communication_events")
    assert (row["status"], row["reason"], row["kind"]) == ("processing", None, "accepted")
    assert row["payload"] != "{}"


async def test_an_update_replaces_and_an_older_revision_does_not(database: Database, projector: Projector) -> None:
    log = Log()
    await projector.project([log.accepted(invoice(payload={"v": 1}))])
    await projector.project([log.accepted(invoice(payload={"v": 2}, kind=Kind.UPDATED, revision=2))])
    await projector.project([log.accepted(invoice(payload={"v": 1}))])
    row = await one(database, "communication_events")
    assert (row["revision"], row["kind"]) == (2, "updated")


async def test_what_is_redriven_though_it_was_routed_stays_what_it_was(
    database: Database, projector: Projector
) -> None:
    log = Log()
    await projector.project([log.accepted(invoice()), log.accepted(invoice(kind=Kind.DUPLICATE, decision=None))])
    assert (await one(database, "event_sightings"))["kind"] == "accepted"
    assert (await one(database, "communication_events"))["duplicates"] == 0


async def test_several_events_of_one_raw_record_are_several_sightings(database: Database, projector: Projector) -> None:
    log = Log()
    await projector.project([log.accepted(message("3EB0AA01")), log.accepted(message("3EB0AA02"))])
    assert len((await dump(database))["event_sightings"]) == 2
    duplicates = await database.fetch("SELECT duplicates FROM communication_events")
    assert [row["duplicates"] for row in duplicates] == [0, 0]


async def test_texts_that_are_only_for_reading_are_cut_and_never_refused(
    database: Database, projector: Projector
) -> None:
    decision = Decision(action=NO_RULE, reason="x" * 100_000)
    await projector.project([Log().accepted(invoice(kind=Kind.REJECTED, decision=decision))])
    assert len((await one(database, "communication_events"))["reason"]) == 2_000


async def test_an_event_without_a_contract_is_kept_like_any_other(database: Database, projector: Projector) -> None:
    event = gateway_event(
        "whatsapp.unknown.x", "k|unknown", {"text": "\x00\x1f\u2028"}, decision=Decision(action=NO_RULE)
    )
    await projector.project([Log().accepted(event)])
    assert (await one(database, "communication_events"))["event_type"] == "whatsapp.unknown.x"


async def test_two_keys_that_differ_by_a_space_at_the_end_are_two_events(
    database: Database, projector: Projector
) -> None:
    log = Log()
    for own in ("k", "k ", "k  "):
        key = keys.for_event("erp", "billing.invoice.overdue", idempotency_key=own)
        said = invoice(idempotency_key=key, event_id=keys.event_id(key), decision=Decision(action=NO_RULE))
        await projector.project([log.accepted(said)])
    assert len(await database.fetch("SELECT * FROM communication_events")) == 3
