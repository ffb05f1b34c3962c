"""A worker process for the runtime's tests: one dedupe stage, the smallest thing that has a table and outputs.

Reads `number|text` from `<prefix>.in`. A number seen first goes to `<prefix>.out` with the coordinates of its sighting
and what the file `answer` says, which the test may change: what was decided stays decided. Further sightings are
dropped. `poison` raises, `abort` and `broken` raise what ends a process, `huge` emits more than its topic takes,
`transient` raises what is waited out and `stuck` never returns while the file `down` exists (it makes `hangs`).
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import structlog
import uvloop

from streams.runtime import Batch, BatchApp, BrokenInvariantError, RuntimeConfig
from streams.runtime.ends import Ends
from streams.runtime.running import run
from streams.runtime.watchdog import Watchdog


class DownError(Exception):
    """Something outside is away."""


class AbortError(BaseException):
    """Not an Exception: what the loop cannot take for poison."""


def build(prefix: str, servers: str, folder: Path, *, slow: float, crash_after: str) -> BatchApp:
    config = RuntimeConfig(
        {"bootstrap_servers": servers},
        app_id=prefix,
        partitions=4,
        commit_interval=0.2,
        session_timeout=6.0,
    )
    app = BatchApp(config)
    seen = app.batch_table("seen")
    done = (folder / f"done-{os.getpid()}").open("a", buffering=1)

    async def dedupe(batch: Batch) -> None:
        answer = (folder / "answer").read_text() if (folder / "answer").exists() else "yes"
        for record in batch.records:
            value = record.value or b""
            if value == b"poison":
                raise ValueError("a poisonous record")
            if value == b"abort":
                raise AbortError
            if value == b"stuck" and (folder / "down").exists():
                (folder / "hangs").touch()
                await asyncio.Event().wait()
            if value == b"broken":
                raise BrokenInvariantError("nobody owns this")
            if value == b"huge":
                batch.emit(f"{prefix}.out", b"huge", bytes(1_100_000))
            if value == b"transient" and (folder / "down").exists():
                raise DownError("the outside is away")
            number = value.split(b"|", 1)[0]
            here = b"%d,%d" % (record.partition, record.offset)
            entry = batch.lookup(record, number)
            if entry is None:
                entry = here + b"," + answer.encode()
                batch.store(record, number, entry)
            elif not entry.startswith(here + b","):
                continue
            batch.emit(f"{prefix}.out", number, number + b"|" + entry)
        if slow:
            await asyncio.sleep(slow)

    stage = app.batch_agent(
        f"{prefix}.in",
        name="dedupe",
        function=dedupe,
        table=seen,
        outputs=[f"{prefix}.out"],
        transient=(DownError,),
    )
    publish = stage._publish

    async def publish_and_note(batch: Batch) -> None:
        """Write down what became durable, for the test to hold the commits against."""
        await publish(batch)
        for record in batch.records:
            done.write(f"{record.partition} {record.offset}\n")
        if crash_after == "outputs":
            os._exit(9)

    stage._publish = publish_and_note  # type: ignore[method-assign]
    if crash_after == "table":
        write = seen.write

        async def write_and_die(partition: int, changes: Mapping[bytes, bytes | None]) -> None:
            await write(partition, changes)
            os._exit(9)

        seen.write = write_and_die  # type: ignore[method-assign]

    @seen.recovered
    async def note(owned: frozenset[int]) -> None:
        (folder / "recovered").open("a").write(f"{os.getpid()} {seen.size()} {sorted(owned)}\n")

    return app


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("prefix")
    parser.add_argument("servers")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slow", type=float, default=0.0)
    parser.add_argument("--crash-after", default="")
    parser.add_argument("--stall", type=float, default=0.0)
    options = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = build(options.prefix, options.servers, options.folder, slow=options.slow, crash_after=options.crash_after)
    if options.stall:
        Watchdog(app, Ends({"bootstrap_servers": options.servers}), limit=options.stall).start(failed=app.fatal)
    await run(app, stop)


if __name__ == "__main__":
    uvloop.run(main())
