"""The router asks for the files that messages came without, once for each."""

from typing import Any

import msgspec

from schemas import event_types
from schemas.media import FetchMedia
from streams import keys, topics
from tests.agents.consumed import Consumed
from tests.agents.test_router import Router, record
from tests.streams.samples_configuration import configuration, usual

PENDING = {"message_id": "false_5547999990001@c.us_3EB0AA10", "type": "ptt", "media": {"state": "pending"}}


def voice(raw_offset: int, payload: dict[str, Any] = PENDING, **fields: Any) -> Consumed:
    said = {
        "event_type": event_types.INBOUND_MESSAGE,
        "source_system": keys.GATEWAY,
        "channel": "canalum",
        "contact": "554799990001",
        "payload": payload,
    }
    return record(raw_offset, **said | fields)


async def test_a_message_without_its_file_makes_a_command_to_fetch_it() -> None:
    out = await Router(usual()).route(voice(0))

    [asked] = out[topics.COMMAND_MEDIA]
    command = msgspec.json.decode(asked.value or b"", type=FetchMedia)
    assert (asked.key, command.channel, command.message_id) == (b"canalum", "canalum", PENDING["message_id"])
    assert command.event.payload == PENDING
    assert dict(asked.headers)["trace_id"] == command.event.trace_id.encode()


async def test_a_redelivery_says_the_same_command_again_and_a_repetition_none() -> None:
    router = Router(usual())

    first, redelivered, repeated = (
        await router.route(voice(0)),
        await router.route(voice(0)),
        await router.route(voice(1)),
    )

    assert redelivered[topics.COMMAND_MEDIA] == first[topics.COMMAND_MEDIA]
    assert topics.COMMAND_MEDIA not in repeated


async def test_a_file_that_came_with_its_message_is_not_fetched() -> None:
    out = await Router(usual()).route(voice(0, PENDING | {"media": {"state": "ready", "ref": "sha256:" + "a" * 64}}))

    assert topics.COMMAND_MEDIA not in out


async def test_a_channel_that_nobody_owns_is_asked_for_nothing() -> None:
    out = await Router(configuration()).route(voice(0))

    assert topics.COMMAND_MEDIA not in out
