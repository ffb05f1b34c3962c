"""The relay's process, and what an operator sees of an outbox."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
import uvloop
from aiokafka.errors import KafkaError

from adapters.mysql import outbox
from adapters.mysql.errors import DatabaseError, DatabaseRefusedError
from adapters.mysql.locks import held
from adapters.mysql.pool import Session
from infra.database import database_at, reachable
from infra.doors import Door, edge_door, kafka_door
from infra.election import Elected
from infra.errors import OperatorError
from infra.logging import configure
from infra.outbox.relay import OFFICE, Relay
from infra.settings import Settings
from infra.vitals import Vitals

log = structlog.get_logger()

MOST_REFUSED: Final = 20
"""So many refused rows are shown."""


class OutboxError(OperatorError):
    """The outbox cannot be worked on; the message says what to do."""


def serve(settings: Settings, edge: str | None) -> None:
    """Relay until SIGTERM or SIGINT; OperatorError where that cannot go well."""
    configure(settings, "outbox")
    uvloop.run(_serve(settings, edge))


async def _serve(settings: Settings, edge: str | None) -> None:
    stop = asyncio.Event()
    ended: list[BaseException] = []

    def failed(error: BaseException) -> None:
        ended.append(error)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    vitals = Vitals("waiting for the producer's database")
    async with vitals.served(settings.posto_host, settings.posto_outbox_metrics_port, "POSTO_OUTBOX_METRICS_PORT"):
        starting = asyncio.ensure_future(_is_there(settings))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            return
        starting.result()
        elected = Elected(settings, OFFICE, _relay(settings, edge).work, failed, at=settings.outbox)
        await elected.start()
        vitals.ready = lambda: True
        await stop.wait()
        await elected.stop()
    if ended:
        raise ended[0]


async def relay_once(settings: Settings, edge: str | None) -> int:
    """Settle what waits now, as soon as no other relay is at work; how many rows that were."""
    async with _opened(settings) as session, held(session, OFFICE):
        try:
            return await _relay(settings, edge).empty(session)
        except KafkaError as error:
            raise OutboxError(f"Kafka broke off: {error}; what was not settled still waits.") from None


async def look(settings: Settings) -> tuple[list[outbox.Standing], Sequence[outbox.SettledRow]]:
    """How many rows are in each state, and those that were refused last."""
    async with _opened(settings) as session:
        return await outbox.standings(session), await outbox.refused(session, MOST_REFUSED)


async def _is_there(settings: Settings) -> None:
    """Return once the database answers; OutboxError where it has no outbox."""
    async with _opened(settings):
        pass


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Session]:
    db = database_at(settings.outbox, connections=1)
    try:
        await reachable(db)
        async with db.session() as session:
            await outbox.look_at(session)
            yield session
    except DatabaseRefusedError as error:
        raise OutboxError(
            f"The outbox of POSTO_OUTBOX_DSN cannot be used: {error}. `posto outbox ddl` prints its table, and its "
            "user needs SELECT, UPDATE and DELETE on it."
        ) from None
    except DatabaseError as error:
        raise OutboxError(f"The outbox broke off: {error}; what was not settled still waits.") from None
    finally:
        await db.close()


def _relay(settings: Settings, edge: str | None) -> Relay:
    return Relay(
        _way(settings, edge),
        poll=settings.posto_outbox_poll_seconds,
        keep=timedelta(days=settings.posto_outbox_keep_days),
    )


def _way(settings: Settings, edge: str | None) -> Callable[[], AbstractAsyncContextManager[Door]]:
    return partial(edge_door, settings, edge) if edge else partial(kafka_door, settings)
