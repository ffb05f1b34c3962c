"""The file of a message as people see it: at once, with its state, and with the file once that is there."""

import itertools
import json
from typing import Any

import pytest

from adapters.mysql.pool import Database, Row
from adapters.mysql.projector import Projector
from schemas.events import AcceptedEvent, Coordinates, Kind
from streams import revisions, topics
from tests.adapters.mysql.log import Log, message

REF = "sha256:" + "ab" * 32
PENDING = {"state": "pending", "mimetype": "audio/ogg", "seconds": 3}
READY = PENDING | {"state": "ready", "ref": REF, "size": 66_000}
FAILED = PENDING | {"state": "failed", "reason": "media_not_found"}
WEBHOOK = Coordinates(topics.RAW_WEBHOOK, 2, 5)
COMMAND = Coordinates(topics.COMMAND_MEDIA, 2, 9)


def voice(media: Any, revision: int = revisions.COMPLETE, raw: Coordinates = WEBHOOK) -> AcceptedEvent:
    kind = Kind.ACCEPTED if revision == revisions.COMPLETE else Kind.UPDATED
    return message(payload={"type": "ptt", "text": None, "media": media}, revision=revision, raw=raw, kind=kind)


PENDING_EVENT = voice(PENDING)
READY_EVENT = voice(READY, revisions.MEDIA_READY, COMMAND)
FAILED_EVENT = voice(FAILED, revisions.MEDIA_FAILED, COMMAND)


async def one(database: Database, table: str) -> Row:
    [row] = await database.fetch(f"SELECT * FROM {table}")  # noqa: S608
    return row


async def test_a_message_shows_at_once_that_its_file_is_pending(database: Database, projector: Projector) -> None:
    await projector.project([Log().accepted(PENDING_EVENT)])

    row = await one(database, "messages")
    assert (row["type"], row["media_state"], row["media_ref"]) == ("ptt", "pending", None)


@pytest.mark.parametrize(
    ("event", "state", "ref"), [(READY_EVENT, "ready", REF), (FAILED_EVENT, "failed", None)], ids=["ready", "failed"]
)
async def test_what_became_of_the_file_is_an_update_of_the_same_message(
    database: Database, projector: Projector, event: AcceptedEvent, state: str, ref: str | None
) -> None:
    log = Log()
    await projector.project([log.accepted(PENDING_EVENT)])
    await projector.project([log.accepted(event)])

    row = await one(database, "messages")
    assert (row["media_state"], row["media_ref"]) == (state, ref)
    assert json.loads(row["attachment"])["media"] == event.payload["media"]
    assert (await one(database, "conversations"))["unread"] == 1


@pytest.mark.parametrize("order", list(itertools.permutations([PENDING_EVENT, READY_EVENT, FAILED_EVENT])))
async def test_in_any_order_the_message_shows_most_and_the_event_keeps_where_it_came_from(
    database: Database, projector: Projector, order: tuple[AcceptedEvent, ...]
) -> None:
    log = Log()
    for event in order:
        await projector.project([log.accepted(event)])

    assert (await one(database, "messages"))["media_state"] == "ready"
    row = await one(database, "communication_events")
    assert (row["raw_topic"], row["raw_partition"], row["raw_offset"]) == (topics.RAW_WEBHOOK, 2, 5)
    assert (row["revision"], json.loads(row["payload"])["media"]) == (revisions.MEDIA_READY, READY)


async def test_what_the_hub_adds_is_no_sighting_and_no_duplicate(database: Database, projector: Projector) -> None:
    log = Log()
    await projector.project([log.accepted(event) for event in (PENDING_EVENT, FAILED_EVENT, READY_EVENT)])

    assert (await one(database, "event_sightings"))["raw_topic"] == topics.RAW_WEBHOOK
    assert (await one(database, "communication_events"))["duplicates"] == 0


@pytest.mark.parametrize(
    "media", ["pending", 5, None, [], {"state": {"a": 1}}, {"state": "x" * 500, "ref": "y" * 500}, {"state": None}]
)
async def test_a_payload_that_holds_anything_there_is_projected(
    database: Database, projector: Projector, media: Any
) -> None:
    await projector.project([Log().accepted(voice(media))])

    assert json.loads((await one(database, "messages"))["attachment"])["media"] == media
