"""The relay of an outbox: all that was committed gets in, in its order; what never can is set aside with its reason."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from adapters.edge.submissions import Submission
from adapters.mysql import outbox
from adapters.mysql.pool import Database, Session
from infra.database import database_at
from infra.outbox.relay import Relay
from infra.settings import parse_dsn
from streams import keys
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

INSERT = "INSERT INTO posto_outbox (event) VALUES (%s)"


class RecordingDoor:
    """Lets in what it is given, but for what its payload says it must not."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.breaks = False

    async def put(self, submissions: Sequence[Submission]) -> list[str | None]:
        events = [msgspec.json.decode(submission.entry.value) for submission in submissions]
        self.batches.append(events)
        if self.breaks:
            raise ConnectionError("the hub is away")
        return [event.get("payload", {}).get("refuse") for event in events]

    @property
    def ids(self) -> list[Any]:
        return [event["external_id"] for batch in self.batches for event in batch]


@pytest.fixture
async def db(mysql: str) -> AsyncIterator[Database]:
    database = database_at(parse_dsn(mysql))
    await database.execute(outbox.DDL)
    await database.execute(outbox.DDL)  # harmless
    yield database
    await database.close()


@pytest.fixture
def door() -> RecordingDoor:
    return RecordingDoor()


def event(external_id: int, **fields: Any) -> bytes:
    return msgspec.json.encode(
        {"source_system": "erp", "event_type": "order.paid", "external_id": external_id, **fields}
    )


def relay(door: RecordingDoor, keep: timedelta = timedelta(days=1)) -> Relay:
    @asynccontextmanager
    async def through() -> AsyncIterator[RecordingDoor]:
        yield door

    return Relay(through, poll=0.01, keep=keep)


async def put(session: Session | Database, *events: bytes) -> None:
    for one in events:
        await session.execute(INSERT, (one.decode(),))


async def empty(db: Database, door: RecordingDoor, **more: Any) -> int:
    async with db.session() as session:
        return await relay(door, **more).empty(session)


async def states(db: Database) -> dict[Any, tuple[str, str | None]]:
    rows = await db.fetch("SELECT id, state, reason FROM posto_outbox ORDER BY id")
    return {row["id"]: (row["state"], row["reason"]) for row in rows}


async def test_rows_are_sent_in_their_order_byte_for_byte_and_can_be_found_as_events(
    db: Database, door: RecordingDoor
) -> None:
    spelled = b'{ "source_system": "erp",\n "event_type": "a.b", "external_id": "\xc3\xa9", "payload": {"n": 1.50} }'
    await put(db, event(1), spelled, event(3))
    kept: list[bytes] = []
    put_through = door.put

    async def keep(submissions: Sequence[Submission]) -> list[str | None]:
        kept.extend(submission.entry.value for submission in submissions)
        return await put_through(submissions)

    door.put = keep  # type: ignore[method-assign]
    assert await empty(db, door) == 3
    assert kept == [event(1), spelled, event(3)]
    assert set((await states(db)).values()) == {("sent", None)}
    [row] = await db.fetch("SELECT event_id FROM posto_outbox WHERE id = 1")
    assert row["event_id"] == keys.event_id("erp|1|order.paid")
    assert await empty(db, door) == 0


async def test_what_can_never_be_sent_is_set_aside_and_blocks_nobody(db: Database, door: RecordingDoor) -> None:
    await put(db, b"{", event(2, event_type="two words"), event(3, payload={"refuse": "no good"}), event(4))
    await put(db, event(5, payload={"x": "y" * 900_000}), event(6))
    assert await empty(db, door) == 6
    assert door.ids == [3, 4, 6]
    found = await states(db)
    assert [state for state, _ in found.values()] == ["refused", "refused", "refused", "sent", "refused", "sent"]
    for number, reason in ((1, "not JSON"), (2, "event_type: expected words"), (3, "no good"), (5, "900000 bytes")):
        assert reason in (found[number][1] or "")
    async with db.session() as session:
        assert len(await outbox.refused(session, 2)) == 2
        assert {one.state: one.number for one in await outbox.standings(session)} == {"refused": 4, "sent": 2}
    mended = "UPDATE posto_outbox SET event = %s, state = 'waiting', settled_at = NULL WHERE id = 1"
    await db.execute(mended, (event(1).decode(),))
    await empty(db, door)
    assert door.ids == [3, 4, 6, 1]
    assert (await states(db))[1] == ("sent", None)


async def test_what_commits_late_is_not_passed_over_and_what_is_rolled_back_is_never_sent(
    db: Database, door: RecordingDoor
) -> None:
    async with db.transaction() as late:
        await put(late, event(1))
        await put(db, event(2))
        await empty(db, door)
        assert door.ids == [2]
    await empty(db, door)
    with suppress(ConnectionError):
        async with db.transaction() as broken:
            await put(broken, event(3))
            raise ConnectionError("it changed its mind")
    await empty(db, door)
    assert door.ids == [2, 1]


async def test_what_was_not_written_down_as_sent_is_sent_again(db: Database, door: RecordingDoor) -> None:
    await put(db, event(1), event(2))
    door.breaks = True
    with pytest.raises(ConnectionError):
        await empty(db, door)
    door.breaks = False
    assert await empty(db, door) == 2
    assert door.ids == [1, 2, 1, 2]


async def test_pages_are_bounded_in_rows_and_bytes(
    db: Database, door: RecordingDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_MOST_ROWS", 3)
    monkeypatch.setattr(outbox, "_MOST_BYTES", 2_000)
    await put(db, *(event(number) for number in range(4)), *(event(10 + n, payload={"x": "y" * 1_500}) for n in (1, 2)))
    assert await empty(db, door) == 6
    assert [[one["external_id"] for one in batch] for batch in door.batches] == [[0, 1, 2], [3, 11], [12]]


async def test_what_was_sent_long_ago_is_pruned_and_what_was_refused_is_not(db: Database, door: RecordingDoor) -> None:
    await put(db, event(1), event(2), b"{")
    await empty(db, door)
    await db.execute("UPDATE posto_outbox SET settled_at = settled_at - INTERVAL 3 DAY WHERE id <> 2")
    await put(db, event(4))
    await db.execute("UPDATE posto_outbox SET created_at = created_at - INTERVAL 3 DAY WHERE id = 4")
    await empty(db, door, keep=timedelta(days=2))
    assert {number: state for number, (state, _) in (await states(db)).items()} == {2: "sent", 3: "refused", 4: "sent"}


async def test_a_relay_at_work_sends_what_comes(db: Database, door: RecordingDoor) -> None:
    looks = 0

    def went_well() -> None:
        nonlocal looks
        looks += 1

    async with db.session() as session:
        working = asyncio.create_task(relay(door).work(session, went_well))
        try:
            await eventually(lambda: looks > 1)
            await put(db, event(1))
            await eventually(lambda: door.ids == [1])
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
