"""Running the jobs of one step at the same time."""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def together(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run the jobs in threads and return their results in order.

    The first failure (and Ctrl-C) is raised at once: the other threads do not keep the process from ending.
    """
    done: queue.SimpleQueue[tuple[int, T | BaseException]] = queue.SimpleQueue()

    def run(index: int, job: Callable[[], T]) -> None:
        try:
            done.put((index, job()))
        except BaseException as error:  # noqa: BLE001 - handed over to the caller's thread, whatever it is
            done.put((index, error))

    for index, job in enumerate(jobs):
        threading.Thread(target=run, args=(index, job), daemon=True).start()
    results: dict[int, T] = {}
    while len(results) < len(jobs):
        index, result = done.get()
        if isinstance(result, BaseException):
            raise result
        results[index] = result
    return [results[index] for index in range(len(jobs))]
