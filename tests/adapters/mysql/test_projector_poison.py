"""What cannot be projected, and the dead letters that show it."""

import json

import msgspec
import pytest

from adapters.mysql.errors import DataRefusedError
from adapters.mysql.pool import Database
from adapters.mysql.projections.dead_letters import KEPT_BYTES
from adapters.mysql.projector import Projector
from adapters.mysql.records import ProjectionError
from schemas import headers as names
from schemas.events import Coordinates
from streams import topics
from tests.adapters.mysql.log import Log, at, invoice, one

pytestmark = pytest.mark.integration

NESTED = b'{"payload":' + b"[" * 100_000


@pytest.mark.parametrize("topic", [topics.EVENT_ACCEPTED, topics.DELIVERY_STATUS])
@pytest.mark.parametrize("value", [None, b"", b"\xff\xfe", b"{", b"[]", b"null", b"{}", NESTED], ids=repr)
async def test_what_does_not_decode_is_named_and_nothing_is_written(
    database: Database, projector: Projector, topic: str, value: bytes | None
) -> None:
    log = Log()
    good, bad = log.accepted(invoice()), log.append(topic, value)
    with pytest.raises(ProjectionError) as raised:
        await projector.project([good, bad])
    assert (raised.value.record, raised.value.reason) == (bad, "undecodable")
    assert await database.fetch("SELECT * FROM communication_events") == []


async def test_a_record_of_another_topic_is_named(projector: Projector) -> None:
    with pytest.raises(ProjectionError, match=r"raw\.event"):
        await projector.project([Log().append(topics.RAW_EVENT, b"{}")])


async def test_a_value_that_mysql_refuses_is_found_by_halving(database: Database, projector: Projector) -> None:
    log = Log()
    good = log.accepted(invoice(1))
    bad = log.accepted(invoice(2, idempotency_key="k" * 800))
    with pytest.raises(DataRefusedError):
        await projector.project([good, bad])
    await projector.project([good])
    with pytest.raises(ProjectionError, match="refused") as raised:
        await projector.project([bad])
    assert raised.value.record == bad
    await projector.project([log.accepted(invoice(3))])
    assert len(await database.fetch("SELECT * FROM communication_events")) == 2


async def test_a_dead_letter_is_shown_with_its_reason_and_its_bytes(database: Database, projector: Projector) -> None:
    original = bytes(range(256))
    await projector.project([Log().dead(original, {names.RAW_ID: "raw-1"})])
    row = await one(database, "dead_letters")
    assert (row["stage"], row["error_class"]) == ("normalizer", "NormalizationError")
    assert (row["error_message"], row["trace_id"]) == ("the body is not JSON", "trace-dead")
    assert (row["source_topic"], row["source_partition"], row["source_offset"]) == (topics.RAW_WEBHOOK, 0, 0)
    assert (row["original"], row["original_bytes"]) == (original, 256)
    assert row["created_at"] == at(2).replace(tzinfo=None)
    assert json.loads(row["headers"])["raw_id"] == "raw-1"
    assert row["redriven_at"] is None


async def test_a_large_dead_letter_is_kept_in_part(database: Database, projector: Projector) -> None:
    await projector.project([Log().dead(b"\x00" * 17_000_000)])
    row = await one(database, "dead_letters")
    assert (len(row["original"]), row["original_bytes"]) == (KEPT_BYTES, 17_000_000)


async def test_one_record_that_dies_twice_at_a_stage_is_one_dead_letter(
    database: Database, projector: Projector
) -> None:
    log = Log()
    source = {names.SOURCE_OFFSET: "7"}
    await projector.project([log.dead(b"x", {**source, names.ERROR_MESSAGE: "first"})])
    await projector.project([log.dead(b"x", {**source, names.ERROR_MESSAGE: "second"})])
    assert (await one(database, "dead_letters"))["error_message"] == "first"
    await projector.project([log.dead(b"x", {**source, names.STAGE: "router"})])
    assert len(await database.fetch("SELECT * FROM dead_letters")) == 2


async def test_no_dead_letter_is_too_odd_to_be_shown(database: Database, projector: Projector) -> None:
    log = Log()
    await projector.project(
        [
            log.append(topics.DEAD_LETTER, None),
            log.append(topics.DEAD_LETTER, b"", headers=[("stage", b"\xff" * 900), ("stage", b"x"), ("", b"\x00")]),
            log.dead(b"x", {names.SOURCE_PARTITION: "²", names.SOURCE_OFFSET: "9" * 99}),
            log.dead(
                b"x", {names.SOURCE_TOPIC: "t" * 300, names.TRACE_ID: "é" * 999, names.ERROR_MESSAGE: "m" * 99_999}
            ),
            log.append(topics.DEAD_LETTER, b"x", headers=[(f"h{n}", b"v" * 9_000) for n in range(300)]),
        ]
    )
    rows = await database.fetch("SELECT * FROM dead_letters ORDER BY letter_offset")
    assert [row["letter_offset"] for row in rows] == [0, 1, 2, 3, 4]
    assert [row["original"] for row in rows] == [None, b"", b"x", b"x", b"x"]


async def test_a_dead_letter_that_mysql_refuses_is_passed_over(
    database: Database, projector: Projector, monkeypatch: pytest.MonkeyPatch
) -> None:
    await database.execute("ALTER TABLE dead_letters ADD CONSTRAINT refuse CHECK (stage <> 'normalizer')")
    try:
        log = Log()
        await projector.project([log.dead(b"x")])
        await projector.project([log.dead(b"x", {names.STAGE: "router"})])
        assert (await one(database, "dead_letters"))["stage"] == "router"
    finally:
        await database.execute("ALTER TABLE dead_letters DROP CONSTRAINT refuse")


@pytest.mark.parametrize("filler", ['"', "\\", "\x00", "€", "\u2028", "%s %(x)s {}"])
async def test_the_largest_record_that_kafka_takes_fits(database: Database, projector: Projector, filler: str) -> None:
    event = invoice(payload={"text": filler})
    while len(msgspec.json.encode(event)) < 900_000:
        event = msgspec.structs.replace(event, payload={"text": event.payload["text"] * 2})
    event = msgspec.structs.replace(event, raw=Coordinates(topics.RAW_EVENT, 0, 9))
    await projector.project([Log().accepted(event)])
    row = await one(database, "communication_events")
    assert json.loads(row["payload"]) == event.payload
