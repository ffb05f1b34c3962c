"""What the facts of delivery.status make of a command's rows."""

import json

import msgspec
import pytest

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from schemas.chat import AuthorKind, Authorship
from schemas.deliveries import AckStatus, FactKind, OperatorDecision, Status
from tests.adapters.mysql.log import PHONE, Log, at, command_of, fact, invoice, one

pytestmark = pytest.mark.integration


def naive(seconds: float) -> object:
    return at(seconds).replace(tzinfo=None)


async def test_a_message_is_followed_to_the_blue_ticks(database: Database, projector: Projector) -> None:
    log, command = Log(), command_of(invoice())
    facts = [
        fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command),
        fact(command, FactKind.ATTEMPT_STARTED, Status.ATTEMPTING, 3, attempt=1, request_id="r:1"),
        fact(command, FactKind.ANSWERED, Status.SENT, 4, attempt=1, provider_message_id=f"true_{PHONE}@c.us_3eb0ff01"),
        fact(command, FactKind.ACKED, Status.DELIVERED, 5, attempt=1, ack=AckStatus.DELIVERED),
        fact(command, FactKind.ACKED, Status.READ, 6, attempt=1, ack=AckStatus.READ),
    ]
    await projector.project([log.reported(one) for one in facts])
    row = await one(database, "outbound_messages")
    assert (row["status"], row["attempts"], row["last_error"]) == ("read", 1, None)
    assert (row["recipient"], row["body"], row["conversation_id"]) == (PHONE, command.text, "canalum:554799990001")
    assert (row["provider_message_id"], row["message_key"]) == (f"true_{PHONE}@c.us_3eb0ff01", "3EB0FF01")
    assert [row[name] for name in ("created_at", "sent_at", "delivered_at", "read_at", "updated_at")] == [
        naive(1), naive(4), naive(5), naive(6), naive(6)
    ]  # fmt: skip
    attempt = await one(database, "delivery_attempts")
    assert (attempt["outcome"], attempt["started_at"], attempt["ended_at"]) == ("answered", naive(3), naive(4))
    kept = await database.fetch("SELECT fact, source_offset FROM delivery_facts ORDER BY source_offset")
    assert [row["fact"] for row in kept] == [one.fact for one in facts]


async def test_a_message_shows_who_wrote_it_and_in_answer_to_what(database: Database, projector: Projector) -> None:
    by = Authorship(author_kind=AuthorKind.AI, author="responder", in_reply_to=invoice(2).event_id)
    command = msgspec.structs.replace(command_of(invoice()), authorship=by)
    await projector.project([Log().reported(fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command))])
    row = await one(database, "outbound_messages")
    assert (row["author_kind"], row["author"], row["in_reply_to"]) == ("ai", "responder", invoice(2).event_id)


async def test_each_attempt_keeps_its_own_outcome(database: Database, projector: Projector) -> None:
    log, command = Log(), command_of(invoice())
    await projector.project(
        [
            log.reported(one)
            for one in (
                fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command),
                fact(command, FactKind.ATTEMPT_STARTED, Status.ATTEMPTING, 3, attempt=1),
                fact(
                    command,
                    FactKind.NOT_SENT,
                    Status.RETRYING,
                    4,
                    attempt=1,
                    reason="connect",
                    message="connection refused",
                    http_status=429,
                    retry_at=at(9),
                ),
                fact(command, FactKind.ATTEMPT_STARTED, Status.ATTEMPTING, 9, attempt=2),
            )
        ]
    )
    rows = await database.fetch("SELECT * FROM delivery_attempts ORDER BY attempt")
    assert [(row["attempt"], row["outcome"], row["http_status"]) for row in rows] == [
        (1, "not_sent", 429),
        (2, "open", None),
    ]
    row = await one(database, "outbound_messages")
    assert (row["status"], row["attempts"], row["last_error"]) == ("attempting", 2, "connect: connection refused")
    assert row["retry_at"] is None


async def test_a_retry_says_when_it_is_due(database: Database, projector: Projector) -> None:
    log, command = Log(), command_of(invoice())
    said = fact(command, FactKind.NOT_SENT, Status.RETRYING, 4, attempt=1, reason="connect", retry_at=at(9))
    await projector.project([log.reported(said)])
    assert (await one(database, "outbound_messages"))["retry_at"] == naive(9)


async def test_an_answer_after_doubt_is_the_attempts_outcome_and_doubt_never_hides_it(
    database: Database, projector: Projector
) -> None:
    log, command = Log(), command_of(invoice())
    for said in (
        fact(command, FactKind.IN_DOUBT, Status.UNCERTAIN, 4, attempt=1, reason="owner_lost"),
        fact(command, FactKind.ANSWERED, Status.SENT, 5, attempt=1),
        fact(command, FactKind.IN_DOUBT, Status.SENT, 6, attempt=1, reason="owner_lost"),
    ):
        await projector.project([log.reported(said)])
    attempt = await one(database, "delivery_attempts")
    assert (attempt["outcome"], attempt["reason"], attempt["ended_at"]) == ("answered", None, naive(5))


async def test_an_echo_makes_a_doubt_sent_and_names_the_message(database: Database, projector: Projector) -> None:
    log, command = Log(), command_of(invoice())
    for said in (
        fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command),
        fact(command, FactKind.IN_DOUBT, Status.UNCERTAIN, 4, attempt=1, reason="read_timeout"),
        fact(command, FactKind.ECHOED, Status.SENT, 3, attempt=1, provider_message_id="3EB0FF01"),
    ):
        await projector.project([log.reported(said)])
    row, attempt = await one(database, "outbound_messages"), await one(database, "delivery_attempts")
    assert (row["status"], row["message_key"], row["sent_at"]) == ("sent", "3EB0FF01", naive(3))
    assert (attempt["outcome"], attempt["provider_message_id"]) == ("echoed", "3EB0FF01")


async def test_what_an_operator_decided_is_on_record_with_who_and_why(database: Database, projector: Projector) -> None:
    log, command = Log(), command_of(invoice())
    decided = fact(
        command,
        FactKind.DECIDED,
        Status.FAILED,
        9,
        attempt=1,
        decision=OperatorDecision.NOT_SENT,
        by="ana",
        message="o cliente não recebeu",
    )
    await projector.project([log.reported(decided)])
    row, kept = await one(database, "outbound_messages"), await one(database, "delivery_facts")
    assert (row["status"], row["ended_at"]) == ("failed", naive(9))
    assert row["last_error"] == "not_sent by ana: o cliente não recebeu"
    assert json.loads(kept["detail"]) == {"decision": "not_sent", "by": "ana", "message": "o cliente não recebeu"}


@pytest.mark.parametrize("named", ["3EB0" * 100, "ß" * 255], ids=["long", "long in upper case"])
async def test_an_answer_is_kept_however_long_the_name_that_it_gives_the_message(
    database: Database, projector: Projector, named: str
) -> None:
    log, command = Log(), command_of(invoice())
    said = fact(command, FactKind.ANSWERED, Status.SENT, 4, attempt=1, provider_message_id=named, request_id="r" * 300)
    await projector.project([log.reported(said)])
    row, attempt = await one(database, "outbound_messages"), await one(database, "delivery_attempts")
    assert (row["status"], row["message_key"], attempt["outcome"]) == ("sent", None, "answered")
    assert named.startswith(row["provider_message_id"].rstrip("…"))
    assert row["provider_message_id"] == attempt["provider_message_id"]


async def test_a_command_is_shown_before_any_sender_took_it(database: Database, projector: Projector) -> None:
    log, event = Log(), invoice()
    await projector.project([log.accepted(event)])
    row = await one(database, "outbound_messages")
    assert (row["status"], row["body"], row["event_id"]) == ("queued", None, event.event_id)
    command = command_of(event)
    await projector.project([log.reported(fact(command, FactKind.ACCEPTED, Status.QUEUED, 3, command=command))])
    assert (await one(database, "outbound_messages"))["body"] == command.text


async def test_the_first_fact_may_come_late(database: Database, projector: Projector) -> None:
    log, command = Log(), command_of(invoice())
    await projector.project([log.reported(fact(command, FactKind.ANSWERED, Status.SENT, 4, attempt=1))])
    await projector.project([log.reported(fact(command, FactKind.ACCEPTED, Status.SENT, 5, command=command))])
    row = await one(database, "outbound_messages")
    assert (row["status"], row["body"], row["recipient"], row["created_at"]) == ("sent", command.text, PHONE, naive(1))


async def test_an_ack_by_the_networks_coarser_clock_does_not_make_a_command_older(
    database: Database, projector: Projector
) -> None:
    log, event = Log(), invoice()
    command = command_of(event)
    facts = [
        log.reported(fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command)),
        log.reported(fact(command, FactKind.ACKED, Status.READ, 0, attempt=1, ack=AckStatus.READ)),
    ]
    await projector.project([*facts, log.accepted(event)])
    assert (await one(database, "outbound_messages"))["created_at"] == naive(1)


async def test_a_fact_keeps_its_details_but_neither_recipient_nor_text(
    database: Database, projector: Projector
) -> None:
    log, command = Log(), command_of(invoice(), text="só para quem lê")
    await projector.project(
        [
            log.reported(fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command)),
            log.reported(
                fact(command, FactKind.REFUSED, Status.FAILED, 3, attempt=1, http_status=422, reason="invalid")
            ),
        ]
    )
    rows = await database.fetch("SELECT detail FROM delivery_facts ORDER BY source_offset")
    details = [json.loads(row["detail"]) for row in rows]
    assert details == [{}, {"http_status": 422, "reason": "invalid"}]


async def test_a_command_that_ended_says_when_and_why(database: Database, projector: Projector) -> None:
    log, command = Log(), command_of(invoice())
    await projector.project([log.reported(fact(command, FactKind.EXPIRED, Status.EXPIRED, 8, reason="expired"))])
    row = await one(database, "outbound_messages")
    assert (row["status"], row["ended_at"], row["last_error"]) == ("expired", naive(8), "expired")
