"""`/api/admin/dead-letters`: what could not be processed, and processing it again."""

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Path, Query

from infra.admin.access import Operating, Operator, Reader
from infra.admin.context import InContext
from infra.admin.listing import page, wanted_rows
from infra.dead_letters import pages
from infra.dead_letters.acting import Order, Outcome, discard, redrive
from infra.dead_letters.filters import Filter
from infra.dead_letters.found import one, original
from infra.said import LONGEST_REASON, said
from schemas.admin.dead_letters import (
    Discarding,
    Done,
    LetterFilter,
    LetterName,
    LetterShown,
    Redriving,
    WholeLetter,
)
from schemas.admin.pages import Page
from streams import identity

router: Final = APIRouter(tags=["dead letters"])

_WAIT_SECONDS: Final = 5.0


@router.get("/dead-letters")
async def list_dead_letters(
    _: Reader, context: InContext, wanted: Annotated[LetterFilter, Query()]
) -> Page[LetterShown]:
    """What could not be processed, by its last failure."""
    filters = {
        "trace": wanted.trace,
        "state": None if wanted.state == "all" else wanted.state,
        "stage": wanted.stage,
        "error": wanted.error,
        "topic": wanted.topic,
        "tenant": wanted.tenant,
        "channel": wanted.channel and identity.canonical_channel(wanted.channel),
        "text": wanted.text,
    }
    found, after = await pages.page(context.db, wanted_rows("dead-letters", wanted, filters))
    return page("dead-letters", wanted, LetterShown, found, after)


@router.get("/dead-letters/{name:path}")
async def show_dead_letter(_: Reader, context: InContext, name: Annotated[LetterName, Path()]) -> WholeLetter:
    """One letter with its history and its record; its name is put into the path as it is."""
    letter = await one(context.db, name)
    kept = await original(context.db, letter)
    body, text = None, None
    if kept is not None and len(kept) == letter.original_bytes:
        try:
            body = msgspec.json.decode(kept)
        except (ValueError, RecursionError):
            text = kept.decode(errors="backslashreplace")
    return WholeLetter.model_validate(msgspec.structs.asdict(letter) | {"body": body, "text": text})


@router.post("/dead-letters/redrive")
async def redrive_dead_letters(operator: Operating, context: InContext, body: Redriving) -> Done:
    """Process letters again: each record goes back to where it was read, with its first place, ids and time."""
    outcome = Outcome()
    order = _order(operator, body.reason)
    await redrive(context.settings, _named(body.names), order, outcome, lambda _: None)
    return Done(done=outcome.done, refused=dict(outcome.refused))


@router.post("/dead-letters/discard")
async def discard_dead_letters(operator: Operating, context: InContext, body: Discarding) -> Done:
    """Put letters aside: nothing is deleted, they are no longer open."""
    outcome = Outcome()
    await discard(context.settings, _named(body.names), _order(operator, body.reason), outcome, lambda _: None)
    return Done(done=outcome.done, refused=dict(outcome.refused))


def _named(names: list[str]) -> Filter:
    return Filter(names=tuple(dict.fromkeys(names)))


def _order(operator: Operator, reason: str | None) -> Order:
    return Order(
        by=operator.name, reason=said("reason", reason, LONGEST_REASON) if reason else None, wait=_WAIT_SECONDS
    )
