"""Files of messages, from the gateway to the store: visible at once, fetched later, and never in Kafka's events."""

import os
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from adapters.objects import S3Access, open_store
from streams import topics
from tests.e2e.hub import CHANNEL, Hub, number
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

JPEG = b"\xff\xd8\xff\xe0"


class Phone:
    """Somebody who sends files, and the gateway that has them or not."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.number = number()

    async def sends(self, kind: str, text: str = "", file: bytes | None = None, mime_type: str = "") -> str:
        """Send a message; the stable part of its id. Of a `file` the gateway has the bytes."""
        body: dict[str, Any] = {"channel": CHANNEL, "from": self.number, "type": kind, "text": text}
        if file is not None:
            body |= {"media_base64": b64encode(file).decode(), "mime_type": mime_type}
        message_id: str = (await self.control("POST", "inbound", body))["message_id"]
        return message_id.split("_")[2]

    async def gateway_has_files_after(self, seconds: float) -> None:
        await self.control("PATCH", "config", {"media_delay_seconds": seconds})

    async def fault(self, **fault: Any) -> None:
        await self.control("POST", "faults", {"route": "media"} | fault)

    async def faults(self) -> list[Any]:
        found: list[Any] = (await self.control("GET", "faults"))["faults"]
        return found

    async def message(self, key: str, state: str) -> dict[str, Any]:
        """The row of a message, once its file has a state."""
        statement = "SELECT * FROM messages WHERE message_key = %s"
        found: dict[str, Any] = await self.hub.row(statement, key, check=lambda row: row["media_state"] == state)
        return found

    async def control(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Call one of the simulator's own routes."""
        answer = await self.hub.http.request(method, f"{self.hub.stack.simulator}/_sim/{path}", json=body)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


@pytest.fixture
async def phone(hub: Hub) -> AsyncIterator[Phone]:
    """A fresh phone; the gateway is as before when the test is over."""
    phone = Phone(hub)
    before = (await phone.control("GET", "config"))["media_delay_seconds"]
    yield phone
    await phone.gateway_has_files_after(before)
    await phone.control("DELETE", "faults")


def media_of(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(row["attachment"])["media"]
    return found


async def stored(hub: Hub, ref: str) -> bytes:
    return await open_store(str(hub.stack.layout.media), S3Access()).get(ref)


async def test_a_voice_note_whose_bytes_stand_in_the_text_is_ready_at_once_and_stored(hub: Hub, phone: Phone) -> None:
    voice = b"OggS" + os.urandom(66_000)
    encoded = b64encode(voice).decode()

    key = await phone.sends("ptt", text=encoded)

    row = await phone.message(key, "ready")
    found = media_of(row)
    assert (found["size"], found["ref"]) == (len(voice), row["media_ref"])
    assert await stored(hub, found["ref"]) == voice
    assert row["text"] is None
    sample = encoded[1_000:1_100].encode()
    for topic in (topics.EVENT_NORMALIZED, topics.EVENT_ACCEPTED, topics.COMMAND_MEDIA):
        assert await hub.records(topic, lambda record: sample in (record.value or b"")) == []
    [event] = await hub.rows("SELECT * FROM communication_events WHERE event_id = %s", row["event_id"])
    assert sample.decode() not in str(event)
    commands = await hub.records(topics.COMMAND_MEDIA, lambda record: row["event_id"].encode() in record.value)
    assert commands == []


async def test_an_image_without_bytes_is_visible_at_once_and_ready_after_its_fetch(hub: Hub, phone: Phone) -> None:
    image = JPEG + os.urandom(200_000)
    await phone.gateway_has_files_after(3600)

    key = await phone.sends("image", file=image, mime_type="image/jpeg")
    pending = await phone.message(key, "pending")
    assert pending["type"] == "image"
    await phone.gateway_has_files_after(0)

    ready = await phone.message(key, "ready")
    found = media_of(ready)
    assert (found["mimetype"], found["size"]) == ("image/jpeg", len(image))
    assert await stored(hub, found["ref"]) == image
    assert ready["event_id"] == pending["event_id"]
    [event] = await hub.rows("SELECT * FROM communication_events WHERE event_id = %s", ready["event_id"])
    assert (event["status"], event["raw_topic"], event["duplicates"]) == ("processed", topics.RAW_WEBHOOK, 0)
    [conversation] = await hub.rows("SELECT * FROM conversations WHERE id = %s", ready["conversation_id"])
    assert conversation["unread"] == 1
    shown = hub.stack.posto("trace", ready["event_id"]).stdout
    assert f"file ready  image/jpeg  {len(image)} bytes  {found['ref']}" in shown


async def test_a_file_that_never_comes_has_failed_and_the_message_stays(phone: Phone) -> None:
    await phone.gateway_has_files_after(0)

    key = await phone.sends("document", text="")

    row = await phone.message(key, "failed")
    assert media_of(row)["reason"] == "media_not_found"
    assert row["type"] == "document"


async def test_a_worker_killed_in_the_middle_of_a_fetch_leaves_it_to_the_next_one(hub: Hub, phone: Phone) -> None:
    image = JPEG + os.urandom(1_000)
    await phone.gateway_has_files_after(0)
    await phone.fault(kind="hang", delay_seconds=100)

    key = await phone.sends("image", file=image, mime_type="image/jpeg")
    await phone.message(key, "pending")

    async def is_under_way() -> bool:
        return await phone.faults() == []

    await eventually(is_under_way, 30, because="the file was not asked for")
    await hub.kill_worker()

    row = await phone.message(key, "ready")
    assert await stored(hub, media_of(row)["ref"]) == image
