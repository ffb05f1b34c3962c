"""A log with everything in it, made of a seed, and the ways in which a consumer may get to see it."""

from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any

from schemas import headers as names
from schemas.audit import AuditAction
from schemas.contacts import ContactLink, LinkChange, LinkEvidence
from schemas.conversations import ConversationChange, ConversationChangeKind
from schemas.deliveries import AckStatus, DeliveryFact, FactKind, OperatorDecision, Status
from schemas.events import NO_RULE, AcceptedEvent, Coordinates, Decision, Kind
from schemas.http_actions import HttpFact, HttpStatus
from streams import topics
from streams.identity import match_key
from tests.adapters.mysql.log import (
    CHANNEL,
    Log,
    LogRecord,
    ack,
    asked,
    at,
    change,
    command_of,
    connection,
    fact,
    invoice,
    link,
    message,
    posting,
)

PARTITIONS = 3
_CHATS = ("5547999990001@c.us", "554799990001@c.us", "100000000000001@lid", "120363000000000001@g.us")
_LIDS = ("100000000000001@lid", "100000000000002@lid", "100000000000003@lid")
_PHONES = ("5547999990001@c.us", "554799990001@c.us", "5547999990002@c.us")
_HELD = Decision(action=NO_RULE, channel=CHANNEL, reason="held")


def make(random: Random, size: int = 12) -> list[LogRecord]:
    """Records of all topics: `size` invoices, as many inbound messages and own ones, links, and some dead letters."""
    log = Log()
    stories: list[Iterator[LogRecord]] = []
    for number in range(size):
        events, facts = random.randrange(PARTITIONS), random.randrange(PARTITIONS)
        event = invoice(number, received_at=at(number))
        stories.append(log.accepted(one, events) for one in _sightings(random, event))
        stories.append(log.reported(one, facts) for one in _delivery(random, event, number))
        stories.append(log.accepted(one, 0) for one in _chat(random, number))
        stories.append(log.linked(one, facts) for one in links(random, number))
        stories.append(log.changed(one, facts) for one in _decided(random, number))
        stories.append(log.accepted(one, events) for one in (asked(number),))
        stories.append(log.posted(one, facts) for one in _posts(random, number))
        stories.append(_letter(random, log, number, events))
        stories.append(_cared_for(random, log, number, facts))
    stories.append(
        log.accepted(connection(random.choice(("connected", "disconnected")), random.randrange(50)), 0)
        for _ in range(5)
    )
    return list(_woven(random, stories))


def deliveries(random: Random, records: list[LogRecord]) -> Iterator[list[LogRecord]]:
    """Batches as a consumer gets them: each partition in order, cut anywhere, mixed, now and then from further back."""
    partitions: defaultdict[tuple[str, int], list[LogRecord]] = defaultdict(list)
    for record in records:
        partitions[record.topic, record.partition].append(record)
    positions = dict.fromkeys(partitions, 0)
    while open_ := [place for place, position in positions.items() if position < len(partitions[place])]:
        batch = []
        for place in random.sample(open_, random.randint(1, len(open_))):
            start = max(0, positions[place] - (random.randrange(8) if random.random() < 0.3 else 0))
            end = start + random.randint(1, 12)
            batch += partitions[place][start:end]
            positions[place] = max(positions[place], min(end, len(partitions[place])))
        yield batch


def _woven(random: Random, stories: list[Iterator[LogRecord]]) -> Iterator[LogRecord]:
    while stories:
        story = random.choice(stories)
        try:
            yield next(story)
        except StopIteration:
            stories.remove(story)


def _letter(random: Random, log: Log, number: int, partition: int) -> Iterator[LogRecord]:
    """A dead letter that may fail again, in rounds of which some are told twice and some are not."""
    original = b"\x00\xff" * random.randrange(9)
    for round_ in sorted(random.choices(range(4), k=random.randrange(5))):
        place = {names.SOURCE_OFFSET: str(number + 100 * round_), names.ERROR_MESSAGE: f"reason {round_}"}
        redrive = {names.REDRIVE: f"normalizer:{topics.RAW_WEBHOOK}/0@{number}#{round_}"} if round_ else {}
        yield log.dead(original, place | redrive, partition)


def _cared_for(random: Random, log: Log, number: int, partition: int) -> Iterator[LogRecord]:
    for round_ in sorted(random.choices(range(4), k=random.randrange(4))):
        action = random.choice(tuple(AuditAction))
        yield log.done(
            action, f"normalizer:{topics.RAW_WEBHOOK}/0@{number}", round_, partition, seconds=number + round_
        )


def _sightings(random: Random, event: AcceptedEvent) -> Iterator[AcceptedEvent]:
    number = int(event.external_id or 0)
    for again in range(random.randrange(3)):
        kind = random.choice((Kind.REJECTED, Kind.QUARANTINED))
        yield invoice(number, kind=kind, decision=_HELD, raw=Coordinates(topics.RAW_EVENT, 2, number * 100 + again))
    yield invoice(number, received_at=event.received_at, raw=Coordinates(topics.RAW_EVENT, 0, number))
    for again in range(random.randrange(4)):
        kind = random.choice((Kind.DUPLICATE, Kind.CONFLICT, Kind.ACCEPTED, Kind.UPDATED))
        fields: dict[str, Any] = {"kind": kind, "raw": Coordinates(topics.RAW_EVENT, 1, number * 100 + again)}
        if kind in (Kind.DUPLICATE, Kind.CONFLICT):
            fields |= {"decision": None, "fingerprint": random.choice("abc") * 32}
        if kind is Kind.UPDATED:
            fields |= {"revision": 2, "payload": {"to": "5547999990001", "v": 2}}
        yield invoice(number, received_at=event.received_at, **fields)


def _delivery(random: Random, event: AcceptedEvent, number: int) -> Iterator[DeliveryFact]:
    command = command_of(event)
    provider_id = f"true_5547999990001@c.us_3EB0FF{number:02X}"
    yield fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command)
    attempt = 1
    while random.random() < 0.3:
        yield fact(command, FactKind.ATTEMPT_STARTED, Status.ATTEMPTING, 3 * attempt, attempt=attempt)
        seconds = 3 * attempt + 1
        yield fact(
            command, FactKind.NOT_SENT, Status.RETRYING, seconds, attempt=attempt, reason="connect", retry_at=at(99)
        )
        attempt += 1
    yield fact(command, FactKind.ATTEMPT_STARTED, Status.ATTEMPTING, 30, attempt=attempt)
    match random.randrange(6):
        case 0:
            yield fact(command, FactKind.REFUSED, Status.FAILED, 31, attempt=attempt, http_status=422, reason="invalid")
            return
        case 1:
            yield fact(command, FactKind.IN_DOUBT, Status.UNCERTAIN, 31, attempt=attempt, reason="timeout")
        case 2:
            yield fact(command, FactKind.ANSWERED, Status.SENT, 31, attempt=attempt)
        case 3:
            yield fact(command, FactKind.IN_DOUBT, Status.UNCERTAIN, 31, attempt=attempt, reason="timeout")
            yield fact(
                command,
                FactKind.DECIDED,
                Status.FAILED,
                32,
                attempt=attempt,
                decision=OperatorDecision.NOT_SENT,
                by="Ana",
                message="asked the customer",
            )
        case 4:
            named = f"3EB0FF{number:02X}"
            yield fact(command, FactKind.ECHOED, Status.SENT, 31, attempt=attempt, provider_message_id=named)
            yield fact(command, FactKind.ANSWERED, Status.SENT, 32, attempt=attempt)
        case _:
            yield fact(command, FactKind.ANSWERED, Status.SENT, 31, attempt=attempt, provider_message_id=provider_id)
    for status in (AckStatus.DELIVERED, AckStatus.READ)[: random.randrange(3)]:
        yield fact(
            command,
            FactKind.ACKED,
            Status(status),
            random.randrange(32, 40),
            attempt=attempt,
            ack=status,
            provider_message_id=provider_id,
        )


def _posts(random: Random, number: int) -> Iterator[HttpFact]:
    """Tries of which the last may end it, and a redrive that may follow."""
    for attempt in range(1, random.randrange(2, 5)):
        yield posting(number, HttpStatus.WAITING, attempt, reason="http_503", http_status=503)
    if random.random() < 0.5:
        yield posting(number, HttpStatus.FAILED, 4, reason="http_404", message="answered 404")
    match random.randrange(3):
        case 0:
            yield posting(number, HttpStatus.ANSWERED, 5, http_status=200, replies=1, seconds=0.25)
        case 1:
            yield posting(number, HttpStatus.DROPPED, 0, reason="muted_by_human")


def links(random: Random, number: int) -> Iterator[ContactLink]:
    for again in range(random.randrange(4)):
        evidence = random.choice(list(LinkEvidence))
        undone = evidence is LinkEvidence.OPERATOR and random.random() < 0.5
        yield link(
            random.choice(_LIDS),
            random.choice(_PHONES),
            evidence,
            random.randrange(4),
            what=LinkChange.UNDONE if undone else LinkChange.LINKED,
            trace_id=f"trace-{random.randrange(3)}",
            event_id=random.choice((None, f"event-{number}-{again}")),
            **({"by": random.choice(("Ana", "Bia"))} if evidence is LinkEvidence.OPERATOR else {}),
        )


def _decided(random: Random, number: int) -> Iterator[ConversationChange]:
    for again in range(random.randrange(4)):
        until = random.choice((None, at(random.randrange(60))))
        yield change(
            random.choice(list(ConversationChangeKind)),
            random.randrange(4),
            conversation_id=f"{CHANNEL}:{match_key(random.choice(_CHATS))}",
            change_id=f"change-{number}-{again}",
            by=random.choice(("Ana", "Bia")),
            assignee=random.choice((None, "Ana", "Bia")),
            until=until,
        )


def _chat(random: Random, number: int) -> Iterator[AcceptedEvent]:
    chat = random.choice(_CHATS)
    name = random.choice(("Contato A", "Contato B"))
    said = [
        message(
            f"3EB0AA{number:02X}",
            "oi",
            chat=chat,
            occurred_at=at(random.randrange(60)),
            received_at=at(random.randrange(60)),
            payload={"sender_name": name, "author": random.choice((None, "100000000000002@lid"))},
        ),
        message(f"3EB0AA{number:02X}", "", chat=random.choice(_CHATS), empty_shell=True, occurred_at=at(5)),
        message(f"3EB0FF{number:02X}", "eco", chat=chat, own=True, occurred_at=at(random.randrange(60))),
        *(ack(f"3EB0FF{number:02X}", status) for status in ("sent", "delivered", "read")[: random.randrange(4)]),
    ]
    random.shuffle(said)
    yield from said
