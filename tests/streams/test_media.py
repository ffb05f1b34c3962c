"""What is missing is fetched, once, and only for messages of the gateway."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given

from schemas import event_types
from schemas.events import Coordinates, Event
from schemas.media import FetchMedia
from streams import keys, media, revisions
from tests.streams.json_values import json_objects
from tests.streams.samples import RECEIVED_AT, event

PENDING = {"state": "pending", "mimetype": "audio/ogg", "seconds": 3, "media_id": "M1"}
COMMAND = Coordinates("command.media", 3, 7)
REF = "sha256:" + "a" * 64


def message(event_type: str = event_types.INBOUND_MESSAGE, **fields: Any) -> Event:
    payload = {"message_id": "false_5547999990001@c.us_3EB0AA10", "type": "ptt", "media": PENDING}
    given = {"source_system": keys.GATEWAY, "channel": "canalum", "payload": payload}
    return event(event_type, **given | fields)


@pytest.mark.parametrize("event_type", [event_types.INBOUND_MESSAGE, event_types.OUTBOUND_MESSAGE])
def test_a_message_whose_file_is_pending_is_fetched(event_type: str) -> None:
    found = media.fetch_of(message(event_type))

    assert found is not None
    assert (found.channel, found.message_id) == ("canalum", "false_5547999990001@c.us_3EB0AA10")
    assert found.created_at == RECEIVED_AT
    assert found.event == message(event_type)


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ({"chat": "5547999990001@s.whatsapp.net"}, "false_5547999990001@c.us_3EB0AA11"),
        ({"chat": "100000000000001@lid", "from_me": True}, "true_100000000000001@lid_3EB0AA11"),
        (
            {"chat": "120363000000000001@g.us", "author": "5547999990001@s.whatsapp.net"},
            "false_120363000000000001@g.us_3EB0AA11_5547999990001@c.us",
        ),
        ({}, "3EB0AA11"),
        ({"chat": "5547999990001@c.us", "message_id": "PsqXnO3-test"}, "PsqXnO3-test"),
    ],
)
def test_the_gateway_is_asked_by_the_full_id_where_only_its_last_part_was_told(
    told: dict[str, Any], asked: str
) -> None:
    found = media.fetch_of(message(payload={"message_id": "3EB0AA11", "type": "ptt", "media": PENDING} | told))

    assert found is not None
    assert found.message_id == asked


def test_two_looks_at_one_event_make_one_command() -> None:
    later = message(received_at=RECEIVED_AT + timedelta(seconds=5), raw=Coordinates("raw.webhook", 1, 99))

    first, second = media.fetch_of(message()), media.fetch_of(later)

    assert first is not None
    assert second is not None
    assert first.command_id == second.command_id
    assert first.command_id != keys.command_id(message().event_id, "chat")


@pytest.mark.parametrize(
    "other",
    [
        message(payload={"message_id": "x", "media": PENDING | {"state": "ready"}}),
        message(payload={"message_id": "x", "media": PENDING | {"state": "failed"}}),
        message(payload={"message_id": "x", "media": None}),
        message(payload={"message_id": "x", "media": "pending"}),
        message(payload={"message_id": "x"}),
        message(payload={"media": PENDING}),
        message(payload={"message_id": "", "media": PENDING}),
        message(payload={"message_id": 5, "media": PENDING}),
        message(channel=None),
        message(event_types.DELIVERY_ACK),
        message(source_system="erp"),
    ],
)
def test_where_nothing_is_missing_or_nobody_can_be_asked_nothing_is_fetched(other: Event) -> None:
    assert media.fetch_of(other) is None


@given(json_objects)
def test_any_payload_is_looked_at_without_an_error(payload: dict[str, Any]) -> None:
    media.fetch_of(message(payload=payload))
    media.failed(message(payload=payload), COMMAND, "gone")


def test_a_fetched_file_is_an_update_of_the_same_message() -> None:
    updated = media.ready(message(), COMMAND, ref=REF, mimetype="audio/ogg", size=66_000)

    said = {"state": "ready", "ref": REF, "size": 66_000}
    assert updated.payload["media"] == PENDING | said
    assert updated.payload["message_id"] == message().payload["message_id"]
    assert (updated.revision, updated.raw) == (revisions.MEDIA_READY, COMMAND)
    assert updated.event_id == message().event_id
    assert updated.fingerprint == message().fingerprint
    assert message().payload["media"] == PENDING


def test_a_file_that_could_not_be_fetched_keeps_what_is_known_of_it_and_says_why() -> None:
    updated = media.failed(message(), COMMAND, "media_not_found")

    assert updated.payload["media"] == PENDING | {"state": "failed", "reason": "media_not_found"}
    assert (updated.revision, updated.raw) == (revisions.MEDIA_FAILED, COMMAND)


def test_ready_says_more_than_failed_and_failed_more_than_pending() -> None:
    failed = media.failed(message(), COMMAND, "gone")
    ready = media.ready(message(), COMMAND, ref=REF, mimetype="audio/ogg", size=1)

    assert message().revision < failed.revision < ready.revision


def test_the_command_survives_the_way_through_kafka() -> None:
    made = media.fetch_of(message())

    assert msgspec.json.decode(msgspec.json.encode(made), type=FetchMedia) == made


@pytest.mark.parametrize(
    ("answered", "said", "data", "wanted"),
    [
        ("audio/ogg; codecs=opus", "audio/ogg", b"", "audio/ogg; codecs=opus"),
        (None, "image/webp", b"OggS", "image/webp"),
        ("application/octet-stream", "image/webp", b"", "image/webp"),
        ("application/octet-stream", None, b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("nonsense", 5, b"RIFF....WEBPVP8 ", "image/webp"),
        ("", "", b"....ftypisom", "video/mp4"),
        (None, None, b"who knows", "application/octet-stream"),
        ("a/" + "b" * 500, None, b"%PDF-1.7", "application/pdf"),
    ],
)
def test_the_media_type_is_what_the_gateway_said_else_the_message_else_the_bytes(
    answered: str | None, said: Any, data: bytes, wanted: str
) -> None:
    of = message(payload={"media": {"mimetype": said}})

    assert media.type_of(of, answered, data) == wanted
