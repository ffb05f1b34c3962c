"""Waiting for a condition, with a deadline: nothing in the stack sleeps for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

from infra.errors import StackError

T = TypeVar("T")

_INTERVAL = 0.05


def until(check: Callable[[], T | None], timeout: float, otherwise: Callable[[], str]) -> T:
    """Call `check` until it gives something true, and return it; StackError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        if found := check():
            return found
        if time.monotonic() >= deadline:
            raise StackError(otherwise())
        time.sleep(_INTERVAL)
