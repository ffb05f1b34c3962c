"""Waiting for a condition: the only place in the tests that sleeps."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    check: Callable[[], T | Awaitable[T]],
    timeout: float = 10.0,  # noqa: ASYNC109 - a deadline for the condition, not a cancellation
    interval: float = 0.02,
    because: str = "the condition did not come true",
) -> T:
    """Call `check` (a function or coroutine function) until its value is true, and return that value.

    An AssertionError in `check` means "not yet"; after `timeout` seconds it is raised, or one that says `because`.
    """
    deadline = time.monotonic() + timeout
    while True:
        failure: AssertionError | None = None
        try:
            value = check()
            found: T = await value if inspect.isawaitable(value) else value
            if found:
                return found
        except AssertionError as error:
            failure = error
        if time.monotonic() >= deadline:
            raise failure or AssertionError(f"{because} (within {timeout:g} s)")
        await asyncio.sleep(interval)
