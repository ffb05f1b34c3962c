import asyncio
from collections.abc import Callable

import pytest

from adapters.objects import (
    MAX_OBJECT_BYTES,
    ContentStore,
    InvalidReferenceError,
    ObjectNotFoundError,
    ObjectTooLargeError,
)
from streams.normalization.blobs import Blob

OpenStore = Callable[[], ContentStore]

VOICE = Blob.of(b"OggS" + bytes(range(256)) * 40, "audio/ogg; codecs=opus")


async def test_what_was_stored_is_there_also_when_the_store_is_opened_again(reopened: OpenStore) -> None:
    await reopened().put(VOICE)

    assert await reopened().get(VOICE.ref) == VOICE.data
    assert await reopened().exists(VOICE.ref)


async def test_what_was_not_stored_is_not_found(reopened: OpenStore) -> None:
    store = reopened()

    assert not await store.exists(VOICE.ref)
    with pytest.raises(ObjectNotFoundError, match=VOICE.ref):
        await store.get(VOICE.ref)


async def test_storing_twice_and_at_once_is_storing_once(reopened: OpenStore) -> None:
    store = reopened()

    await asyncio.gather(*(store.put(VOICE) for _ in range(8)))
    await store.put(VOICE)

    assert await store.get(VOICE.ref) == VOICE.data


async def test_an_empty_object_can_be_stored(reopened: OpenStore) -> None:
    empty = Blob.of(b"", "application/octet-stream")

    await reopened().put(empty)

    assert await reopened().get(empty.ref) == b""


async def test_an_object_of_the_largest_size_fits_and_a_larger_one_does_not(reopened: OpenStore) -> None:
    store = reopened()
    largest = Blob.of(bytes(MAX_OBJECT_BYTES), "video/mp4")

    await store.put(largest)
    with pytest.raises(ObjectTooLargeError, match=str(MAX_OBJECT_BYTES + 1)):
        await store.put(Blob.of(bytes(MAX_OBJECT_BYTES + 1), "video/mp4"))

    assert len(await store.get(largest.ref)) == MAX_OBJECT_BYTES


@pytest.mark.parametrize("media_type", ["", "no type", "a/b\r\nX-Evil: 1", "áudio/ogg", "a/" + "b" * 500])
async def test_a_media_type_that_no_header_can_carry_keeps_nothing_from_being_stored(
    reopened: OpenStore, media_type: str
) -> None:
    await reopened().put(Blob.of(VOICE.data, media_type))

    assert await reopened().get(VOICE.ref) == VOICE.data


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "sha256:",
        "sha256:../../../../etc/passwd",
        "md5:" + "0" * 64,
        "sha256:" + "0" * 63,
        "sha256:" + "A" * 64,
        "sha256:" + "0" * 64 + "\n",
        "sha256:" + "0" * 62 + "/.",
        "sha256:" + "٣" * 64,
    ],
)
async def test_what_is_no_reference_leads_nowhere(reopened: OpenStore, ref: str) -> None:
    store = reopened()

    for refused in (store.get(ref), store.exists(ref), store.put(Blob(ref, "text/plain", b"x"))):
        with pytest.raises(InvalidReferenceError):
            await refused


async def test_bytes_under_the_name_of_others_are_refused(reopened: OpenStore) -> None:
    store = reopened()

    with pytest.raises(InvalidReferenceError):
        await store.put(Blob(VOICE.ref, VOICE.media_type, b"something else"))

    assert not await store.exists(VOICE.ref)
