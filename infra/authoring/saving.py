"""A change from its edits to its being in force."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from adapters.mysql.authoring import Written
from infra.authoring.desk import Draft, Said, TryOut, draft, look, write
from infra.authoring.edits import Edit
from infra.authoring.reach import Reached, bring_into_force
from infra.context import Context
from schemas.proposals import DryRun
from streams.configuration import Key

Check = Callable[[Mapping[Key, Written | None]], None]
"""Raises where the rows are not what the person has seen who wants to change them."""


@dataclass(frozen=True)
class Saved:
    """What was written: the rows as they are, None where they were deleted; what it changes, and where it is."""

    rows: Mapping[Key, Written | None]
    found: DryRun
    reached: Reached


async def drafted(context: Context, edits: Sequence[Edit], check: Check | None = None) -> Draft:
    """What edits make of the rows as they are; nothing is written."""
    async with context.db.session() as session:
        made = await draft(session, edits)
    if check is not None:
        check(made.before)
    return made


async def save(
    context: Context, edits: Sequence[Edit], said: Said, try_out: TryOut, *, wait: float, check: Check | None = None
) -> Saved:
    """Write all of it or nothing, publish it, and wait up to so many seconds until it is in force.

    Raises what is wrong with it, DangerousError where it is rarely meant, ChangedMeanwhileError where somebody was
    faster; DatabaseError, KafkaError.
    """
    made = await drafted(context, edits, check)
    producer = await context.producer()  # no Kafka, no change: there would be no record of it
    found = await look(made, said, try_out)
    async with context.db.transaction() as session:
        rows = await write(session, made, said, producer)
    return Saved(rows, found, await reach(context, made.after, wait))


async def reach(context: Context, keys: Collection[Key], wait: float) -> Reached:
    """Bring what was written into force."""
    reached = await bring_into_force(context.db, context.publisher, context.workers, keys, wait)
    if reached.kafka_failed:
        await context.reopen_configuration()
    return reached
