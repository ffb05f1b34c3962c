"""Recordings are read as they are, and played at their rate."""

import asyncio
import time

import pytest

from infra.simulator.playback import MAX_IN_FLIGHT, play, recorded_bodies


@pytest.mark.parametrize(
    ("recording", "bodies"),
    [
        (b'[{"a": 1}, 2, "x"]', [b'{"a":1}', b"2", b'"x"']),
        (b'{"a": 1}\n\n{"b":  2}\r\n', [b'{"a": 1}', b'{"b":  2}']),
        (b"not json\n\xff\xfe\n", [b"not json", b"\xff\xfe"]),
        (b"[1, 2]\n[3]\n", [b"[1, 2]", b"[3]"]),
        (b"", []),
        (b"[]", []),
    ],
    ids=["array", "lines-as-they-stand", "garbage", "lines-that-are-arrays", "empty", "empty-array"],
)
def test_a_recording_is_an_array_or_lines(recording: bytes, bodies: list[bytes]) -> None:
    assert recorded_bodies(recording) == bodies


async def test_bodies_are_posted_at_the_rate() -> None:
    posted = []

    async def post(body: bytes) -> str:
        posted.append(time.monotonic())
        return "202"

    played = await play([b"1"] * 11, post, rate=100)
    assert posted[-1] - posted[0] == pytest.approx(0.1, abs=0.05)
    assert (played.posted, played.succeeded, played.failed, played.outcomes) == (11, 11, 0, {"202": 11})


async def test_failures_are_counted_by_what_went_wrong() -> None:
    outcomes = iter(["202", "200", "503", "ConnectError"])

    async def post(body: bytes) -> str:
        return next(outcomes)

    played = await play([b"1"] * 4, post)
    assert (played.succeeded, played.failed) == (2, 2)
    assert played.outcomes == {"202": 1, "200": 1, "503": 1, "ConnectError": 1}


async def test_a_slow_hub_gets_so_many_at_once_and_no_more() -> None:
    in_flight, most = 0, 0
    is_full = asyncio.Event()

    async def post(body: bytes) -> str:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        if in_flight == MAX_IN_FLIGHT:
            is_full.set()
        await is_full.wait()
        in_flight -= 1
        return "202"

    await play([b"1"] * (3 * MAX_IN_FLIGHT), post)
    assert most == MAX_IN_FLIGHT


async def test_nothing_to_play_is_played() -> None:
    assert (await play([], lambda body: pytest.fail("nothing to post"))).posted == 0
