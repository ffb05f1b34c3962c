"""`/api/admin/events`: what came in, and what was decided about it."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from infra import events
from infra.admin.access import Reader
from infra.admin.context import InContext
from infra.admin.listing import page, wanted_rows
from schemas.admin.events import EventFilter, EventShown, WholeEvent
from schemas.admin.pages import Page
from schemas.admin.values import Key
from streams.identity import canonical_channel

router: Final = APIRouter(tags=["events"])


@router.get("/events")
async def list_events(_: Reader, context: InContext, wanted: Annotated[EventFilter, Query()]) -> Page[EventShown]:
    """Events with what was decided about them, those that came last first."""
    filters = {name: getattr(wanted, name) for name in events.TABLE.conditions}
    channel = wanted.channel and canonical_channel(wanted.channel)
    found, after = await events.page(context.db, wanted_rows("events", wanted, filters | {"channel": channel}))
    return page("events", wanted, EventShown, found, after)


@router.get("/events/{event_id}")
async def show_event(_: Reader, context: InContext, event_id: Annotated[Key, Path()]) -> WholeEvent:
    """One event with its payload."""
    return WholeEvent.model_validate(await events.one(context.db, event_id))
