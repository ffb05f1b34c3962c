"""Commands and what became of them, read from MySQL."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from adapters.mysql.errors import DatabaseError
from adapters.mysql.lists import Position, Table, Wanted, found
from adapters.mysql.pool import Database, Row
from infra.database import database
from infra.errors import OperatorError, UnknownError
from infra.settings import Settings
from schemas.deliveries import DeliveryFact, OperatorDecision, Status
from schemas.events import Coordinates
from streams import topics
from streams.deliveries import Delivery, apply
from streams.sending.settling import objection

MOST_LISTED: Final = 1_000


class DeliveryError(OperatorError):
    """What was asked about a delivery cannot be done; the message says why."""


class NoDeliveryError(DeliveryError, UnknownError):
    """There is no such delivery."""


class ListedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One command in a list. `doubtful_since` is when its last attempt came into doubt."""

    command_id: str
    event_id: str
    event_type: str | None
    trace_id: str
    tenant_id: int
    channel: str
    recipient: str | None
    status: str
    attempts: int
    policy: str | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    doubtful_since: datetime | None


class RecordedFact(msgspec.Struct, frozen=True):
    """One fact, and where it lies in `delivery.status`."""

    fact: DeliveryFact
    record: Coordinates


class KnownDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One command with all its facts, in the order of the log."""

    about: ListedDelivery
    text: str | None
    provider_message_id: str | None
    facts: Sequence[RecordedFact]

    @property
    def folded(self) -> Delivery:
        """What the facts come to, as its owner knows it."""
        about = self.about
        delivery = Delivery(
            command_id=about.command_id,
            event_id=about.event_id,
            trace_id=about.trace_id,
            tenant_id=about.tenant_id,
            channel=about.channel,
        )
        for recorded in self.facts:
            delivery = apply(delivery, recorded.fact)
        return delivery

    def objection(self, decision: OperatorDecision, attempts_seen: int, now: datetime) -> str | None:
        """Why it cannot be decided so; None where it can."""
        if not self.facts:
            return "no sender has taken it yet"
        return objection(self.folded, decision, attempts_seen, self.about.expires_at, now)

    def open_to(self, now: datetime) -> list[OperatorDecision]:
        """What may be decided about it."""
        return [each for each in OperatorDecision if not self.objection(each, self.about.attempts, now)]


async def listed(
    settings: Settings,
    *,
    statuses: Sequence[Status] = (),
    channel: str | None = None,
    tenant_id: int | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
) -> list[ListedDelivery]:
    """The deliveries that changed last, or longest ago; DeliveryError where MySQL does not answer."""
    wanted: Mapping[str, str | int | None] = {"command.channel_id = %s": channel, "command.tenant_id = %s": tenant_id}
    given = {condition: value for condition, value in wanted.items() if value is not None}
    conditions = list(given)
    if statuses:
        conditions.append(f"command.status IN ({', '.join(['%s'] * len(statuses))})")
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    order = "ORDER BY command.updated_at, command.command_id" if is_oldest_first else _NEWEST_FIRST
    values = (*given.values(), *statuses, min(limit, MOST_LISTED))
    rows = await _asked(settings, f"{_LIST} {where}{order} LIMIT %s", values)
    return [_listed(row) for row in rows]


async def page(db: Database, wanted: Wanted) -> tuple[list[ListedDelivery], Position | None]:
    """Deliveries, those that were made last first, and the position after which the list goes on."""
    page = await found(db, TABLE, wanted)
    return [_listed(row) for row in page.rows], page.after


async def find(db: Database, wanted: str) -> KnownDelivery:
    """One delivery, by the id of its command or event, or the event's idempotency key.

    NoDeliveryError where nothing is known of it.
    """
    rows = await db.fetch(f"{_LIST}{_OF_ONE}", (wanted.strip(),) * 3)
    if not rows:
        raise NoDeliveryError(
            f"No message is known by {wanted!r}: `posto deliveries list` shows the ids; what was just sent may still "
            "be on its way."
        )
    row = rows[0]
    facts = await db.fetch(_FACTS, (row["command_id"],))
    return KnownDelivery(
        about=_listed(row),
        text=row["body"],
        provider_message_id=row["provider_message_id"],
        facts=[_fact(fact, row) for fact in facts],
    )


async def show(settings: Settings, wanted: str) -> KnownDelivery:
    """The same, of a database that is not open yet."""
    db = database(settings)
    try:
        return await find(db, wanted)
    except DatabaseError as error:
        raise unreadable(error) from None
    finally:
        await db.close()


def unreadable(error: DatabaseError) -> DeliveryError:
    """What to say where MySQL does not answer."""
    return DeliveryError(f"Deliveries cannot be read from MySQL: {error}; `posto doctor` says what to do.")


async def _asked(settings: Settings, sql: str, values: Sequence[str | int]) -> Sequence[Row]:
    db = database(settings)
    try:
        return await db.fetch(sql, tuple(values))
    except DatabaseError as error:
        raise unreadable(error) from None
    finally:
        await db.close()


def _listed(row: Row) -> ListedDelivery:
    times = ("created_at", "updated_at", "expires_at", "doubtful_since")
    known = {**row, "channel": row["channel_id"], **{name: _utc(row[name]) for name in times}}
    return msgspec.convert({name: known[name] for name in ListedDelivery.__struct_fields__}, ListedDelivery)


def _fact(row: Row, command: Row) -> RecordedFact:
    detail = msgspec.json.decode(row["detail"])
    said = {
        **detail,
        **{name: row[name] for name in ("command_id", "event_id", "trace_id", "fact", "status", "attempt")},
        "tenant_id": command["tenant_id"],
        "channel": command["channel_id"],
        "at": _utc(row["at"]),
    }
    where = Coordinates(topics.DELIVERY_STATUS, row["source_partition"], row["source_offset"])
    return RecordedFact(msgspec.convert(said, DeliveryFact), where)


def _utc(naive: datetime | None) -> datetime | None:
    return None if naive is None else naive.replace(tzinfo=UTC)


_NEWEST_FIRST: Final = "ORDER BY command.updated_at DESC, command.command_id"
_DOUBTS: Final = "SELECT MAX(fact.at) FROM delivery_facts AS fact WHERE fact.fact = 'in_doubt' AND fact.command_id"
_LIST: Final = f"""
SELECT command.*, ({_DOUBTS} = command.command_id) AS doubtful_since FROM outbound_messages AS command
"""  # noqa: S608
_OF_ONE: Final = """
JOIN (
    SELECT command_id FROM outbound_messages WHERE command_id = %s
    UNION SELECT command_id FROM outbound_messages WHERE event_id = %s
    UNION SELECT known.command_id FROM communication_events AS event
        JOIN outbound_messages AS known ON known.event_id = event.event_id WHERE event.idempotency_key = %s
) AS found ON found.command_id = command.command_id
"""
_FACTS: Final = "SELECT * FROM delivery_facts WHERE command_id = %s ORDER BY source_offset"

_COLUMNS: Final = (
    *("command_id", "event_id", "event_type", "trace_id", "tenant_id", "channel_id", "recipient", "status", "attempts"),
    *("policy", "last_error", "created_at", "updated_at", "expires_at"),
)
TABLE: Final = Table(
    name="outbound_messages",
    columns=", ".join([*(f"one.{name}" for name in _COLUMNS), f"({_DOUBTS} = one.command_id) AS doubtful_since"]),
    time="created_at",
    conditions={
        "contact": "contact = %s",
        "status": "status = %s",
        "tenant": "tenant_id = %s",
        "channel": "channel_id = %s",
        "type": "event_type = %s",
        "text": "LOCATE(%s, body COLLATE utf8mb4_general_ci) > 0",
    },
    indexes={
        "contact": "by_contact",
        "channel": "by_channel",
        "status": "by_status_and_time",
        "tenant": "by_tenant",
        None: "by_time",
    },
)
"""Deliveries as lists."""
