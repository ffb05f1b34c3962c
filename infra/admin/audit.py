"""`/api/admin/audit`: who changed what."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from infra import audit_log
from infra.admin.access import Reader
from infra.admin.context import InContext
from infra.admin.listing import page, wanted_rows
from schemas.admin.audit import AuditFilter, ChangeShown
from schemas.admin.pages import Page

router: Final = APIRouter(tags=["audit"])


@router.get("/audit")
async def list_audit(_: Reader, context: InContext, wanted: Annotated[AuditFilter, Query()]) -> Page[ChangeShown]:
    """What was done by API and on the command line, the last first."""
    filters = {"subject": wanted.subject, "actor": wanted.actor, "action": wanted.action}
    found, after = await audit_log.page(context.db, wanted_rows("audit", wanted, filters))
    return page("audit", wanted, ChangeShown, found, after)
