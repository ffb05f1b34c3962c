"""What becomes of an event that was just sent, read from the tables until nothing more comes of it."""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from msgspec.structs import replace

from adapters.edge.submissions import Submission
from adapters.mysql.errors import DatabaseError
from adapters.mysql.pool import Database
from adapters.mysql.projections.communication_events import PROCESSING
from infra.database import database
from infra.errors import OperatorError
from infra.settings import Settings
from infra.trace import traces
from infra.trace_records import Trace
from schemas.deliveries import Status
from schemas.events import Coordinates, Kind

_LOOK_SECONDS: Final = 0.1
_ON_ITS_WAY: Final = frozenset({PROCESSING, Status.QUEUED, Status.ATTEMPTING, Status.RETRYING})
_LAID_ASIDE: Final = frozenset({Kind.DUPLICATE, Kind.CONFLICT, Kind.QUARANTINED, Kind.REJECTED})
_DEAD: Final = "dead"
_CAME_TO_NOTHING: Final = frozenset(
    {
        _DEAD,
        Kind.CONFLICT,
        Kind.QUARANTINED,
        Kind.REJECTED,
        Status.FAILED,
        Status.EXPIRED,
        Status.SUPPRESSED,
        Status.CANCELLED,
    }
)


class UnfinishedEventError(OperatorError):
    """The event was sent and is still on its way."""


class Outcome(NamedTuple):
    """What became of an event: the word for it and why, and whether it is what was wanted, or may still be."""

    said: str
    went_well: bool


async def followed(settings: Settings, submission: Submission, seconds: float, told: Callable[[str], None]) -> Outcome:
    """What became of the event once nothing more comes of it by itself; `told` of every step on the way.

    That is: a message was handed to the gateway, or failed, or waits for something; or there is no message to send.
    UnfinishedEventError where it takes longer.
    """
    db = database(settings)
    said = ""
    try:
        async with asyncio.timeout(seconds):
            while True:
                for trace in await _seen(db, submission):
                    if (step := _step(trace)) != said:
                        told(said := step)
                    if _has_ended(trace):
                        return Outcome(said, _word(trace) not in _CAME_TO_NOTHING)
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise UnfinishedEventError(
            f"After {seconds:g} s the event is {f'still {said}' if said else 'not in MySQL yet'}: `posto trace "
            f"{submission.event_id}` shows how far it has come, `posto doctor` what is wrong."
        ) from None
    except DatabaseError as error:
        raise OperatorError(f"The event was sent, but cannot be followed in MySQL: {error}.") from None
    finally:
        await db.close()


async def _seen(db: Database, submission: Submission) -> list[Trace]:
    """The event's trace once this sending of it is in the tables, with its sighting alone: there may be others."""
    found = await traces(db, submission.event_id) or await traces(db, submission.trace_id)
    place = (submission.event_id, submission.trace_id)
    rows = await db.fetch(_OWN_SIGHTINGS, place)
    if not rows and not any(trace.dead_letters for trace in found):
        return []
    own = {Coordinates(row["raw_topic"], row["raw_partition"], row["raw_offset"]) for row in rows}
    return [
        replace(trace, sightings=[sighting for sighting in trace.sightings if sighting.raw in own])
        for trace in found[:1]
    ]


def _step(trace: Trace) -> str:
    reason = trace.commands[0].last_error if trace.commands else trace.event and trace.event.reason
    return f"{_word(trace)} ({reason})" if reason else _word(trace)


def _word(trace: Trace) -> str:
    """Where it stands: as what this sending was laid aside, else the status of its message, else its own."""
    if trace.event is None:
        return _DEAD
    if trace.sightings and trace.sightings[-1].kind in _LAID_ASIDE:
        return trace.sightings[-1].kind
    return trace.commands[0].status if trace.commands else trace.event.status


def _has_ended(trace: Trace) -> bool:
    return _word(trace) not in _ON_ITS_WAY


_OWN_SIGHTINGS: Final = (
    "SELECT raw_topic, raw_partition, raw_offset FROM event_sightings WHERE event_id = %s AND trace_id = %s"
)
