"""The agent on batches, and what the fetcher makes of the gateway's answers."""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from adapters.gateway import GatewayClient
from adapters.objects import ContentStore, S3Access, StoreUnavailableError, open_store
from agents.media import LARGEST_COMMAND, Fetcher, build
from infra.simulator.config import SimulatorConfig
from schemas.configuration import Channel, Tenant
from schemas.events import Coordinates, Event
from schemas.gateway import MediaFile
from streams import media, revisions, topics
from streams.errands.errand import Answer, Done, Errand, NotYet
from streams.normalization.blobs import Blob
from streams.runtime import Batch
from tests.agents.consumed import Consumed
from tests.streams.samples import RECEIVED_AT
from tests.streams.test_media import message
from tests.support.gateway import Simulated, simulated

SECRET = "gateway-secret"
CHANNEL = Channel(id="canalum", channel_id="Canal Um", tenant=Tenant(id=1, name="Loja"))
VOICE = b"OggS a voice note"
NOW_MS = int(RECEIVED_AT.timestamp() * 1000)


def command(**payload: Any) -> bytes:
    """The command to fetch a message's file."""
    given = message().payload | payload
    return msgspec.json.encode(media.fetch_of(message(payload=given)))


def fetched(value: bytes, timestamp: int = NOW_MS) -> Consumed:
    return Consumed(value, topics.COMMAND_MEDIA, offset=7, key=b"canalum", partition=3, timestamp=timestamp)


class Errands:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.taken: dict[int, list[Errand]] = {}

    async def take(self, incoming: Mapping[int, Sequence[Errand]]) -> None:
        self.taken = {partition: list(errands) for partition, errands in incoming.items()}


async def run(*records: Consumed) -> tuple[dict[int, list[Errand]], list[dict[str, bytes]]]:
    """Run the agent: what each partition got to do, and the headers of what was rejected."""
    errands = Errands()
    batch = Batch("media", records, {topics.DEAD_LETTER: 1}, None)
    await build(errands, first_try=timedelta(seconds=30))(batch)  # type: ignore[arg-type]
    return errands.taken, [dict(out.headers) for out in batch.outputs[topics.DEAD_LETTER, 0]]


async def errand_of(**payload: Any) -> Errand:
    taken, _ = await run(fetched(command(**payload)))
    [errand] = taken[3]
    return errand


async def test_a_file_is_first_asked_for_a_while_after_its_message_was_received() -> None:
    errand = await errand_of()

    assert (errand.channel, errand.attempts) == ("canalum", 0)
    assert errand.due == RECEIVED_AT + timedelta(seconds=30)


async def test_a_message_from_the_future_makes_nobody_wait_for_it() -> None:
    earlier = RECEIVED_AT - timedelta(days=900)

    taken, _ = await run(fetched(command(), timestamp=int(earlier.timestamp() * 1000)))

    assert taken[3][0].due == earlier + timedelta(seconds=30)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{}",
        b"[" * 5000,
        b"\xff\xfe",
        command().replace(b'"command_id":"', b'"command_id":"x'),
        command(text="x" * LARGEST_COMMAND),
    ],
)
async def test_what_cannot_be_read_is_a_dead_letter_and_its_neighbours_flow_on(value: bytes | None) -> None:
    bad = Consumed(value, topics.COMMAND_MEDIA, partition=3, timestamp=NOW_MS)

    taken, rejected = await run(bad, fetched(command()))

    assert len(taken[3]) == 1
    assert [headers["stage"] for headers in rejected] == [b"media"]


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulated]:
    async with simulated(SimulatorConfig(secret=SECRET, media_delay_seconds=0)) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return open_store(str(tmp_path), S3Access())


async def attempt(
    simulator: Simulated, store: ContentStore, errand: Errand, channel: Channel | None = CHANNEL
) -> Answer:
    async with GatewayClient(simulator.url, SECRET, max_media_answer_bytes=1_000_000) as gateway:
        return await Fetcher(gateway, store, {"canalum": channel}.get).attempt(errand)


async def arrived(simulator: Simulated, encoded: str, mime_type: str = "audio/ogg; codecs=opus") -> Errand:
    """A message whose file the gateway has."""
    message_id = message().payload["message_id"]
    body = {"from": "5547999990001", "type": "ptt", "text": "", "id": message_id}
    await simulator.control("POST", "inbound", body | {"media_base64": encoded, "mime_type": mime_type})
    return await errand_of()


def told(answer: Answer) -> Event:
    assert isinstance(answer, Done)
    [emission] = answer.emissions
    assert (emission.topic, emission.key) == (topics.EVENT_NORMALIZED, message().stream_key.encode())
    assert dict(emission.headers)["ce_id"] == message().event_id.encode()
    return msgspec.json.decode(emission.value, type=Event)


async def test_a_file_that_the_gateway_has_is_stored_and_told(simulator: Simulated, store: ContentStore) -> None:
    errand = await arrived(simulator, b64encode(VOICE).decode())

    event = told(await attempt(simulator, store, errand))

    ref = Blob.of(VOICE, "").ref
    assert await store.get(ref) == VOICE
    found = event.payload["media"]
    assert (found["state"], found["ref"], found["size"]) == ("ready", ref, len(VOICE))
    assert found["mimetype"] == "audio/ogg; codecs=opus"
    assert event.revision == revisions.MEDIA_READY
    assert event.raw == Coordinates(topics.COMMAND_MEDIA, 3, 7)
    assert (event.event_id, event.fingerprint) == (message().event_id, message().fingerprint)


async def test_a_file_fetched_twice_tells_the_same(simulator: Simulated, store: ContentStore) -> None:
    errand = await arrived(simulator, b64encode(VOICE).decode())

    assert await attempt(simulator, store, errand) == await attempt(simulator, store, errand)


async def test_a_file_that_is_not_there_may_come(simulator: Simulated, store: ContentStore) -> None:
    assert await attempt(simulator, store, await errand_of()) == NotYet("media_not_found")


@pytest.mark.parametrize("encoded", ["not base64!", "A", "ação", "data:audio/ogg;base64,"])
async def test_wrong_base64_is_no_file(simulator: Simulated, store: ContentStore, encoded: str) -> None:
    assert await attempt(simulator, store, await arrived(simulator, encoded)) == NotYet("not_base64")


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ({"kind": "http_500"}, NotYet("http_500")),
        ({"kind": "http_504"}, NotYet("html_504")),
        ({"kind": "http_401"}, NotYet("gateway_refused_secret")),
        ({"kind": "http_429", "retry_after": 90}, NotYet("http_429", 90.0)),
        ({"kind": "drop"}, NotYet("connection_dropped")),
        ({"kind": "success_false"}, NotYet("success_false")),
    ],
)
async def test_what_may_pass_is_tried_again(
    simulator: Simulated, store: ContentStore, fault: dict[str, Any], wanted: NotYet
) -> None:
    errand = await arrived(simulator, b64encode(VOICE).decode())
    await simulator.control("POST", "faults", {"route": "media"} | fault)

    assert await attempt(simulator, store, errand) == wanted


async def test_what_the_gateway_refuses_for_good_has_failed(simulator: Simulated, store: ContentStore) -> None:
    errand = await arrived(simulator, b64encode(VOICE).decode())
    await simulator.fault("http_422", route="media")

    event = told(await attempt(simulator, store, errand))

    assert event.payload["media"]["state"] == "failed"
    assert event.payload["media"]["reason"] == "http_422"
    assert event.revision == revisions.MEDIA_FAILED


async def test_what_is_too_large_has_failed_and_is_not_read_to_its_end(
    simulator: Simulated, store: ContentStore
) -> None:
    errand = await arrived(simulator, "A" * 1_200_000)

    event = told(await attempt(simulator, store, errand))

    assert event.payload["media"]["reason"] == "answer_too_large"


@pytest.mark.parametrize("channel", [None, msgspec.structs.replace(CHANNEL, is_enabled=False)])
async def test_a_channel_that_is_not_there_or_not_enabled_is_not_asked(
    simulator: Simulated, store: ContentStore, channel: Channel | None
) -> None:
    errand = await arrived(simulator, b64encode(VOICE).decode())

    assert await attempt(simulator, store, errand, channel) == NotYet("channel_not_enabled")
    assert "media" not in (await simulator.requests())["by_route"]


async def test_who_gives_up_says_why(simulator: Simulated, store: ContentStore) -> None:
    async with GatewayClient(simulator.url, SECRET) as gateway:
        event = told(Fetcher(gateway, store, lambda _: CHANNEL).give_up(await errand_of(), "media_not_found"))

    assert event.payload["media"]["reason"] == "media_not_found"
    assert event.payload["media"]["mimetype"] == message().payload["media"]["mimetype"]


async def test_what_comes_of_a_replayed_or_redriven_command_says_so() -> None:
    replayed = fetched(command())
    replayed.headers = [
        ("replay", b"audit"),
        ("origin", b"command.media/3@5"),
        ("redrive", b"media:command.media/3@5#1"),
    ]
    taken, _ = await run(replayed)

    done = Fetcher(None, None, {}.get).give_up(taken[3][0], "not_found")  # type: ignore[arg-type]

    [told] = done.emissions
    assert dict(told.headers)["replay"] == b"audit"
    assert msgspec.json.decode(told.value, type=Event).raw == Coordinates(topics.COMMAND_MEDIA, 3, 5)


async def test_a_store_that_is_away_is_for_the_runner_to_wait_out() -> None:
    class Gateway:
        async def get_media(self, channel_id: str, message_id: str, *, request_id: str) -> MediaFile:
            return MediaFile(media_base64=b64encode(VOICE).decode())

    store = open_store("s3://bucket", S3Access(endpoint="http://127.0.0.1:1", key_id="k", secret="s"))

    with pytest.raises(StoreUnavailableError):
        await Fetcher(Gateway(), store, lambda _: CHANNEL).attempt(await errand_of())
