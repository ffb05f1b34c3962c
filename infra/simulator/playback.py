"""Plays a recorded list of webhook bodies at a given rate, byte for byte where the recording is NDJSON."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import msgspec

MAX_IN_FLIGHT: Final = 64

Post = Callable[[bytes], Awaitable[str]]
"""Posts one body; its outcome: a status, or the name of what went wrong."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a playback; `outcomes` counts statuses and the names of failures."""

    posted: int
    succeeded: int
    failed: int
    seconds: float
    outcomes: dict[str, int]

    def shown(self) -> dict[str, Any]:
        """The result as JSON shows it."""
        return asdict(self)


def recorded_bodies(recording: bytes) -> list[bytes]:
    """The bodies of a recording: a JSON array, or one body a line, which is posted as it stands, garbage included."""
    if recording.lstrip().startswith(b"["):
        try:
            bodies = json.loads(recording)
        except (ValueError, RecursionError):
            bodies = None
        if isinstance(bodies, list):
            return [msgspec.json.encode(body) for body in bodies]
    return [line.strip(b"\r") for line in recording.split(b"\n") if line.strip()]


async def play(bodies: Sequence[bytes], post: Post, rate: float | None = None) -> Played:
    """Start one post every 1/`rate` seconds (None: as fast as they are answered), at most `MAX_IN_FLIGHT` at once."""
    outcomes: Counter[str] = Counter()
    free = asyncio.Semaphore(MAX_IN_FLIGHT)
    start = time.monotonic()

    async def posted(body: bytes) -> None:
        try:
            outcomes[await post(body)] += 1
        finally:
            free.release()

    async with asyncio.TaskGroup() as tasks:
        for position, body in enumerate(bodies):
            if rate is not None:
                await asyncio.sleep(max(0.0, start + position / rate - time.monotonic()))
            await free.acquire()
            tasks.create_task(posted(body))
    succeeded = sum(count for outcome, count in outcomes.items() if outcome.startswith("2"))
    return Played(
        posted=len(bodies),
        succeeded=succeeded,
        failed=len(bodies) - succeeded,
        seconds=round(time.monotonic() - start, 3),
        outcomes=dict(outcomes),
    )


__all__ = ["Played", "play", "recorded_bodies"]
