"""`/api/admin/traces`: one event from the request to the blue ticks."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from infra import trace
from infra.admin.access import Reader
from infra.admin.context import InContext
from schemas.admin.traces import TraceFilter, Traces, TraceShown

router: Final = APIRouter(tags=["traces"])


@router.get("/traces")
async def find_traces(_: Reader, context: InContext, wanted: Annotated[TraceFilter, Query()]) -> Traces:
    """The newest events that an id, a key or a phone names, each with all that came of it."""
    found = await trace.traces(context.db, wanted.of.strip())
    return Traces(items=[TraceShown.model_validate(one) for one in found])
