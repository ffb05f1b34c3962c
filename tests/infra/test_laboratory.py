"""Who is tried out for, and who has to wait."""

import asyncio
from typing import Any

import pytest

from infra.dry_run import Laboratory
from infra.errors import AwayError
from infra.settings import load
from schemas.proposals import Proposal


async def test_who_has_a_dry_run_that_waits_or_runs_gets_no_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: asyncio.Queue[None] = asyncio.Queue()
    done = asyncio.Event()

    async def answer(*_: Any) -> str:
        begun.put_nowait(None)
        await done.wait()
        return "found"

    monkeypatch.setattr(Laboratory, "_answer", answer)
    laboratory = Laboratory(load(_env_file=None))

    def asked(asker: str) -> Any:
        return laboratory.try_out_for(asker, Proposal(), last=1, most=1)

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(asked("Ana"))
        await begun.get()
        with pytest.raises(AwayError, match="'Ana'") as raised:
            await asked("Ana")
        assert raised.value.retry_after
        other = tasks.create_task(asked("Rui"))
        done.set()
    assert first.result() == other.result() == "found"
    assert await asked("Ana") == "found"
