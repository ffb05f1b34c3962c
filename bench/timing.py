"""How long a function takes."""

import timeit
from collections.abc import Callable
from typing import Any, Final

_REPEATS: Final = 9


def microseconds(work: Callable[[], Any], calls: int) -> float:
    """One call, by the best of several runs, since whatever else this machine does only adds to it."""
    return min(timeit.repeat(work, number=calls, repeat=_REPEATS)) / calls * 1e6
