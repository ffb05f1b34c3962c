"""What bytes in a text field are, by the type of their message: the file, its thumbnail, or nothing sure."""

import base64
import hashlib
import json
from typing import Any

import pytest

from streams import revisions
from streams.normalization import webhooks
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord
from streams.normalization.webhooks import Normalized

RAW = RawRecord.of("raw.webhook", 3, 42, 1768512936000, [("raw_id", b"R-1")])
ID = "false_5547999990001@c.us_3EB0AA01"
JPEG = b"\xff\xd8\xff\xe0" + bytes(60)
OGG = b"OggS\x00\x02" + bytes(60)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)
WEBP = b"RIFF\x44\x00\x00\x00WEBPVP8 " + bytes(60)
MP4 = b"\x00\x00\x00\x20ftypmp42" + bytes(60)
PDF = b"%PDF-1.4\n" + bytes(60)
OTHER = bytes(range(256))


def of(kind: str | None, data: bytes | str | None, *, named: bool = True, **payload: Any) -> Normalized:
    text = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    message = {"id": ID if named else None, "from": "5547999990001@c.us", "text": text, "timestamp": 1768512935}
    body = {
        "event": "message",
        "session": {"id": "canalum"},
        "message": message,
        "raw": {"payload": {"type": kind, **payload}},
    }
    found = webhooks.normalize(json.dumps(body).encode(), RAW)
    assert not isinstance(found, Noise)
    [normalized] = found
    return normalized


def ref(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize(
    ("kind", "data", "mimetype"),
    [
        ("ptt", OGG, "audio/ogg"),
        ("audio", OGG, "audio/ogg"),
        ("audio", MP4, "video/mp4"),
        ("ptt", OTHER, "application/octet-stream"),
        ("image", PNG, "image/png"),
        ("video", MP4, "video/mp4"),
        ("document", PDF, "application/pdf"),
        ("document", OTHER, "application/octet-stream"),
        ("sticker", WEBP, "image/webp"),
        (None, OGG, "audio/ogg"),
    ],
)
def test_the_file_itself_is_ready(kind: str | None, data: bytes, mimetype: str) -> None:
    event, blobs = of(kind, data)
    assert event.payload["media"] == {"state": "ready", "ref": ref(data), "mimetype": mimetype, "size": len(data)}
    assert [(blob.ref, blob.media_type, blob.data) for blob in blobs] == [(ref(data), mimetype, data)]
    assert event.revision == revisions.MEDIA_READY


def test_what_the_gateway_says_of_a_file_stands() -> None:
    event, [blob] = of("ptt", OGG, mimetype="audio/ogg; codecs=opus", duration=7, size=66)
    media = event.payload["media"]
    assert (media["mimetype"], media["seconds"], blob.media_type) == ("audio/ogg; codecs=opus", 7, media["mimetype"])


@pytest.mark.parametrize("kind", ["image", "video", "document", "sticker"])
def test_a_jpeg_is_the_thumbnail_and_never_the_file(kind: str) -> None:
    event, [blob] = of(kind, JPEG, mimetype="image/jpeg", size=len(JPEG))
    thumbnail = {"ref": ref(JPEG), "mimetype": "image/jpeg", "size": len(JPEG)}
    assert event.payload["media"]["state"] == "pending"
    assert event.payload["media"]["thumbnail"] == thumbnail
    assert (blob.ref, event.revision) == (thumbnail["ref"], revisions.COMPLETE)


def test_the_map_of_a_place_is_its_thumbnail() -> None:
    event, [blob] = of("location", JPEG, lat=-26.91, lng=-48.66, loc="Rua Exemplo, 100")
    shown = {"ref": blob.ref, "mimetype": "image/jpeg", "size": len(JPEG)}
    assert event.payload["location"] == {"lat": -26.91, "lng": -48.66, "name": "Rua Exemplo, 100", "thumbnail": shown}
    assert "media" not in event.payload


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("image", None),
        ("ptt", ""),
        ("image", OTHER),
        ("image", OGG),
        ("video", OTHER),
        ("ptt", JPEG),
        ("sticker", OTHER),
        ("ptt", base64.b64encode(OGG).decode()[:-3]),
        ("ptt", "T2dnUw" + "*" * 200),
        ("image", base64.b64encode(JPEG).decode()[:-3]),
    ],
)
def test_what_is_not_surely_a_file_or_a_thumbnail_is_left_out_and_the_file_is_to_be_fetched(
    kind: str, data: bytes | str | None
) -> None:
    event, blobs = of(kind, data)
    assert (event.payload["media"], blobs, event.revision) == ({"state": "pending"}, (), revisions.COMPLETE)
    assert "text" not in event.payload


def test_fewer_bytes_than_the_gateway_says_are_not_the_file() -> None:
    event, blobs = of("ptt", OGG, size=len(OGG) + 1)
    assert (event.payload["media"], blobs) == ({"state": "pending", "size": len(OGG) + 1}, ())


def test_without_an_id_nobody_can_be_asked_for_the_file() -> None:
    event, _ = of("image", JPEG, named=False)
    assert event.payload["media"]["state"] == "failed"
    assert (event.payload["media"]["reason"], event.revision) == ("the message has no id", revisions.MEDIA_FAILED)
    assert of("ptt", OGG, named=False).event.payload["media"]["state"] == "ready"


def test_a_caption_stays_beside_a_thumbnail() -> None:
    event, blobs = of("image", "segue o comprovante", body=base64.b64encode(JPEG).decode())
    assert (event.payload["caption"], len(blobs)) == ("segue o comprovante", 1)


def test_emissions_of_one_file_with_and_without_its_bytes_say_the_same() -> None:
    told = [of("ptt", OGG), of("ptt", None), of("audio", None, mimetype="audio/ogg"), of("ptt", None, mediaId="M1")]
    assert len({(event.event_id, event.fingerprint) for event, _ in told}) == 1
    pictures = [of("image", JPEG), of("image", None), of("image", None, size=7, directPath="/v/t62")]
    assert len({(event.event_id, event.fingerprint) for event, _ in pictures}) == 1


@pytest.mark.parametrize("mimetype", ["garbage", "a/b/c", "text/html\n", 7, "x/" + "y" * 300, "", "a b/c"])
def test_what_is_no_media_type_is_left_out(mimetype: Any) -> None:
    event, _ = of("image", None, mimetype=mimetype)
    assert event.payload["media"] in ({"state": "pending"}, {"state": "pending", "mimetype": "text/html"})
