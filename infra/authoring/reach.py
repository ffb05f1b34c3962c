"""Brings what was written into force, and says how far it has come."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final

import structlog
from aiokafka.errors import ConsumerStoppedError, KafkaError

from adapters.mysql.errors import DatabaseError
from adapters.mysql.pool import Database
from infra.configuration import Outcome, Publisher, vanished_message
from infra.errors import OperatorError
from infra.workers import InForce, Workers, told
from streams.configuration import Key

log = structlog.get_logger()

_PUBLISH_SECONDS: Final = 10.0
"""So long a change is waited for that others publish at the same time, one after the other."""

_LATER: Final = "It is saved; the workers publish it within seconds of the end of the trouble."


class Reached:
    """Where a change that was saved is. `problem` says why it is not on its way to the workers.

    After `kafka_failed`, the publisher and the workers are of no use any more.
    """

    def __init__(
        self,
        versions: Mapping[Key, int],
        in_force: InForce | None,
        problem: str | None = None,
        *,
        kafka_failed: bool = False,
    ) -> None:
        self.versions = versions
        self.in_force = in_force
        self.problem = problem
        self.kafka_failed = kafka_failed

    def __str__(self) -> str:
        return self.problem or (told(self.in_force) if self.in_force else "")


async def bring_into_force(
    db: Database,
    publisher: Callable[[], Awaitable[Publisher]],
    workers: Callable[[], Awaitable[Workers]],
    keys: Collection[Key],
    wait: float,
) -> Reached:
    """Publish what is saved, and wait up to so many seconds until it is in force in all live workers.

    Raises nothing for MySQL or Kafka that are away: what is saved is saved.
    """
    try:
        publishes, knows = await publisher(), await workers()
        async with asyncio.timeout(_PUBLISH_SECONDS), db.session() as session:
            outcome = await publishes.publish(session)
        if problem := _problem(outcome, keys):
            return Reached({}, None, problem)
        versions = {item.key: item.version for item in outcome.publications if item.key in keys}
        return Reached(versions, await knows.in_force(outcome.positions, wait))
    except ConsumerStoppedError:  # somebody else met an error of Kafka, and let go of what all share
        return _later("the connection to Kafka was given up meanwhile")
    except TimeoutError:
        return _later(f"it could not be published within {_PUBLISH_SECONDS:g} s")
    except KafkaError as error:
        return _later(str(error), kafka_failed=True)
    except (DatabaseError, OperatorError) as error:
        return _later(str(error))


def _later(why: str, *, kafka_failed: bool = False) -> Reached:
    log.warning("change_not_published_yet", error=why, hint=_LATER)
    return Reached({}, None, f"Not in force yet: {why}. {_LATER}", kafka_failed=kafka_failed)


def _problem(outcome: Outcome, keys: Collection[Key]) -> str | None:
    """Why it was not published."""
    if outcome.vanished:
        return f"Not in force: {vanished_message(outcome.vanished)}"
    refused = [f"{key}: {reason}" for key, reason in outcome.faults.items() if key in keys]
    return f"Not in force: {'; '.join(refused)}." if refused else None
