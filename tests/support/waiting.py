"""Waiting for a condition: the only place in the tests that sleeps."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(
    check: Callable[[], Awaitable[T]],
    timeout: float = ...,  # noqa: ASYNC109
    interval: float = ...,
    because: str = ...,
) -> T: ...
@overload
async def eventually(
    check: Callable[[], T],
    timeout: float = ...,  # noqa: ASYNC109
    interval: float = ...,
    because: str = ...,
) -> T: ...
async def eventually(
    check: Callable[[], Any],
    timeout: float = 10.0,  # noqa: ASYNC109 - a deadline for the condition, not a cancellation
    interval: float = 0.02,
    because: str = "the condition did not come true",
) -> Any:
    """Call `check` (a function or coroutine function) until its value is true, and return that value.

    An AssertionError in `check` means "not yet"; after `timeout` seconds it is raised, or one that says `because`.
    """
    deadline = time.monotonic() + timeout
    while True:
        failure: AssertionError | None = None
        try:
            value = check()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
        except AssertionError as error:
            failure = error
        if time.monotonic() >= deadline:
            raise failure or AssertionError(f"{because} (within {timeout:g} s)")
        await asyncio.sleep(interval)
