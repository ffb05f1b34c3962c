import asyncio

import pytest

from streams.background import Background


async def _fail() -> None:
    raise RuntimeError("a bug")


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def test_an_error_is_handed_to_the_owner_and_to_who_waits() -> None:
    failures: list[BaseException] = []
    work = Background("work", failures.append)
    work.start(_fail())
    with pytest.raises(RuntimeError, match="a bug"):
        await work.until(asyncio.Event())
    assert [str(failure) for failure in failures] == ["a bug"]
    await work.stop()


async def test_a_cancellation_that_nobody_asked_for_is_a_failure() -> None:
    async def leak() -> None:
        raise asyncio.CancelledError

    failures: list[BaseException] = []
    work = Background("work", failures.append)
    work.start(leak())
    with pytest.raises(RuntimeError, match="cancelled from within"):
        await work.until(asyncio.Event())
    assert [str(failure) for failure in failures] == ["cancelled from within"]


async def test_stopping_is_no_failure() -> None:
    failures: list[BaseException] = []
    work = Background("work", failures.append)
    await work.stop()
    work.start(_for_ever())
    await work.stop()
    await work.stop()
    assert failures == []


async def test_waiting_ends_with_the_event() -> None:
    happened = asyncio.Event()

    async def happen() -> None:
        happened.set()
        await _for_ever()

    work = Background("work")
    work.start(happen())
    await work.until(happened)
    await work.stop()


async def test_who_waits_for_work_that_was_stopped_learns_it() -> None:
    work = Background("work")
    work.start(_for_ever())
    waiting = asyncio.create_task(work.until(asyncio.Event()))
    await asyncio.sleep(0)
    await work.stop()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_work_that_was_not_started_cannot_be_waited_for() -> None:
    with pytest.raises(RuntimeError, match="work was not started"):
        await Background("work").until(asyncio.Event())
