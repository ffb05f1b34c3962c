"""Named locks of the server: at most one process at a time does a thing to a database."""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from adapters.mysql.pool import Session

_WAIT: Final = 5
"""Seconds of one attempt, well below the statement timeout."""


@asynccontextmanager
async def held(session: Session, purpose: str, on_wait: Callable[[], None] | None = None) -> AsyncIterator[None]:
    """Hold the lock of this purpose and the session's database, waiting for it as long as it takes.

    While somebody else holds it, `on_wait` is called every few seconds.

    The server lets go of it when the connection ends. A connection that goes back to its pool must have let go.
    """
    name = (await session.fetch("SELECT DATABASE() AS name"))[0]["name"]
    lock = (
        f"posto.{purpose}.{hashlib.sha256(name.encode()).hexdigest()[:32]}"  # the server's names are global and short
    )
    while not (await session.fetch("SELECT GET_LOCK(%s, %s) AS held", (lock, _WAIT)))[0]["held"]:
        if on_wait:
            on_wait()
    try:
        yield
    except BaseException:
        await session.abandon()  # it may be the connection that broke
        raise
    await session.execute("DO RELEASE_LOCK(%s)", (lock,))
