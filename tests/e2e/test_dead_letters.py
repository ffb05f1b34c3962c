"""What could not be processed is processed once its cause is mended: once, as what it was, and nothing twice."""

import json
from collections.abc import AsyncIterator

import msgspec
import pytest

from streams import topics
from tests.e2e.hub import Hub, facts, invoice, number, unique
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e


@pytest.fixture
async def event_type(hub: Hub) -> AsyncIterator[str]:
    """An event type with a rule of its own, whose template wants more than the events have."""
    name = unique("carta").replace("-", ".")
    await hub.rows("INSERT INTO message_templates (name, body) VALUES (%s, 'Olá, {{ nickname }}')", name)
    await hub.rows(
        "INSERT INTO routing_rules (id, event_type, action, template) VALUES (%s, %s, 'whatsapp', %s)", name, name, name
    )
    await hub.publish()
    yield name
    await hub.rows("DELETE FROM routing_rules WHERE id = %s", name)
    await hub.rows("DELETE FROM message_templates WHERE name = %s", name)
    await hub.publish()


async def test_a_rejected_event_is_sent_once_after_its_template_was_mended(hub: Hub, event_type: str) -> None:
    to = number()
    accepted = (await hub.post(invoice(to, event_type=event_type))).json()
    await hub.event(accepted["event_id"], "failed")
    trace_id = accepted["trace_id"]
    letter = await hub.row("SELECT * FROM dead_letters WHERE trace_id = %s", trace_id)
    name = "{stage}:{source_topic}/{source_partition}@{source_offset}".format(**letter)

    def redrive(*arguments: str) -> dict[str, object]:
        done = hub.stack.posto("dead-letters", "redrive", name, "--yes", "--by", "Ana", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        said: dict[str, object] = json.loads(done.stdout)
        return said

    assert redrive()["redriven"] == 1

    async def fails_again() -> bool:
        [row] = await hub.rows("SELECT failures FROM dead_letters WHERE trace_id = %s", trace_id)
        return bool(row["failures"] == 2)

    await eventually(fails_again, 30)
    await hub.rows("UPDATE message_templates SET body = 'Olá, {{ name }}' WHERE name = %s", event_type)
    await hub.publish()
    redrive()

    await hub.outbound(accepted["event_id"], "read")
    await hub.row("SELECT * FROM dead_letters WHERE trace_id = %s AND state = 'redriven'", trace_id)
    redrive("--state", "redriven")

    async def sightings() -> list[str]:
        found = await hub.records(
            topics.EVENT_ACCEPTED, lambda record: accepted["event_id"].encode() in (record.value or b"")
        )
        return [event["kind"] for event in facts(found)]

    async def is_a_duplicate() -> bool:
        return (await sightings())[-1] == "duplicate"

    await eventually(is_a_duplicate, 30)
    assert await sightings() == ["rejected", "rejected", "accepted", "duplicate"]
    assert [message["text"] for message in await hub.messages(to)] == ["Olá, Ana"]
    assert (await hub.event(accepted["event_id"], "processed"))["duplicates"] == 0
    shown = hub.stack.posto("trace", trace_id).stdout
    assert "redriven by Ana" in shown
    assert "failed again" in shown


async def test_a_record_that_cannot_be_read_fails_again_with_both_reasons_and_is_one_letter(hub: Hub) -> None:
    value = msgspec.json.encode({"source_system": "erp", "payload": unique("nada")})
    place = await hub.producer.send_and_wait(topics.RAW_EVENT, value, key=b"bad")
    name = f"{topics.RAW_EVENT}/{place.partition}@{place.offset}"
    source = "source_topic = %s AND source_partition = %s AND source_offset = %s"
    where = (topics.RAW_EVENT, place.partition, place.offset)
    await hub.row(f"SELECT * FROM dead_letters WHERE {source}", *where)  # noqa: S608

    done = hub.stack.posto("dead-letters", "redrive", name, "--yes", "--by", "Ana")

    assert done.returncode == 0, done.stderr
    row = await hub.row(f"SELECT * FROM dead_letters WHERE {source} AND failures = 2", *where)  # noqa: S608
    assert (row["state"], row["round"], row["original"]) == ("open", 1, value)
    [again] = await hub.records(topics.RAW_EVENT, lambda record: ("origin", name.encode()) in record.headers)
    assert (again.value, again.key, again.partition) == (value, b"bad", place.partition)
