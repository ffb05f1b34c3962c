"""Proposals tried out on the last events of the log: here, or in a process of its own where nobody must wait."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Final

import msgspec
from aiokafka.errors import KafkaError

from infra.errors import AwayError, OperatorError
from infra.in_force import read_published
from infra.kafka import connection
from infra.settings import Settings
from schemas.proposals import LISTED, LOOKED_AT, DryRun, Proposal
from streams import heap
from streams.dry_run import dry_run
from streams.recent_events import recent_events

_PATIENCE: Final = 60.0
_ASK_AGAIN: Final = 5.0
_YOUNG_OBJECTS: Final = 50_000


class Request(msgspec.Struct, kw_only=True, frozen=True):
    """What the process is asked, as JSON on its standard input."""

    proposal: Proposal
    last: int
    most: int


async def try_out(settings: Settings, proposal: Proposal, *, last: int = LOOKED_AT, most: int = LISTED) -> DryRun:
    """What a proposal would change of the last events, by what is in force; waits for Kafka."""
    published, events = await asyncio.gather(read_published(settings), recent_events(connection(settings), last))
    return dry_run(published, proposal, events, most=most)


class Laboratory:
    """Tries proposals out in a process of its own, one at a time, so that the caller's loop and core stay free."""

    def __init__(self, settings: Settings) -> None:
        self._environment = _environment(settings)
        self._turn = asyncio.Lock()
        self._asking: set[str] = set()

    async def try_out(self, proposal: Proposal, *, last: int = LOOKED_AT, most: int = LISTED) -> DryRun:
        """The same; AwayError where the process could not do it, or its turn did not come and end in a minute."""
        asked = msgspec.json.encode(Request(proposal=proposal, last=last, most=most))
        try:
            async with asyncio.timeout(_PATIENCE), self._turn:
                return await self._answer(asked)
        except TimeoutError:
            raise AwayError(f"The dry run took more than {_PATIENCE:g} s: look at fewer events.") from None

    async def try_out_for(self, asker: str, proposal: Proposal, *, last: int, most: int) -> DryRun:
        """The same, unless `asker` has one that waits or runs: AwayError at once, so that nobody fills the queue."""
        if asker in self._asking:
            raise AwayError(f"A dry run of {asker!r} is not done yet: wait for its answer, then ask again.", _ASK_AGAIN)
        self._asking.add(asker)
        try:
            return await self.try_out(proposal, last=last, most=most)
        finally:
            self._asking.discard(asker)

    async def _answer(self, asked: bytes) -> DryRun:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "infra.dry_run"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        try:
            answer, said = await process.communicate(asked)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            last_line = said.decode(errors="replace").strip().rpartition("\n")[2]
            raise AwayError(f"The dry run failed: {last_line or process.returncode}")
        return msgspec.json.decode(answer, type=DryRun)


def _environment(settings: Settings) -> Mapping[str, str]:
    """This process's, with its Kafka: the settings may have been given otherwise."""
    return {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers}


def main() -> None:
    """Answer one request: JSON in, JSON out, whenever nothing else wants the core."""
    from infra.settings import load

    os.nice(10)
    heap.settle(_YOUNG_OBJECTS)
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    try:
        found = asyncio.run(try_out(load(), asked.proposal, last=asked.last, most=asked.most))
    except (OperatorError, KafkaError) as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
