"""`/api/admin/tenants`: whose channels there are."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from adapters.mysql import channels as sql
from adapters.mysql.channels import TenantRow
from adapters.mysql.pool import Session
from infra.admin import cursors
from infra.admin.access import Administrator, Operator, Reader
from infra.admin.authored import in_force_shown
from infra.admin.context import InContext
from infra.admin.etags import Matching, etag_of
from infra.admin.once import OnceOnly
from infra.channels import registry
from infra.channels.effects import Actor, put_in_force
from schemas.admin.pages import Page
from schemas.admin.tenants import NewTenant, TenantChanges, TenantFilter, TenantShown
from streams import topics
from streams.configuration import Key
from streams.identity import canonical_channel

router: Final = APIRouter(tags=["tenants"])

TenantPath = Annotated[int, Path(ge=1, le=4_294_967_295)]


@router.get("/tenants")
async def list_tenants(_: Reader, context: InContext, wanted: Annotated[TenantFilter, Query()]) -> Page[TenantShown]:
    """Tenants, by id."""
    after = cursors.position("tenants", wanted, int)
    filters = {name: getattr(wanted, name) for name in sql.TENANT_FILTERS}
    rows = await sql.page_of_tenants(context.db, after=after or 0, limit=wanted.limit + 1, filters=filters)
    shown = [TenantShown.model_validate(row) for row in rows[: wanted.limit]]
    return cursors.page("tenants", wanted, shown, shown[-1].id if len(rows) > wanted.limit else None)


@router.post("/tenants", status_code=201)
async def add_tenant(
    operator: Administrator, context: InContext, once: OnceOnly, body: NewTenant, response: Response
) -> TenantShown:
    """Add a tenant."""

    async def make(session: Session) -> TenantShown:
        row = await registry.add_tenant(context, session, actor_of(operator), body.name, body.time_zone)
        return TenantShown.model_validate(row)

    made = await once.run(body, TenantShown, make)
    response.headers["etag"] = _etag(made)
    return made


@router.get("/tenants/{tenant_id}")
async def show_tenant(_: Reader, context: InContext, tenant_id: TenantPath, response: Response) -> TenantShown:
    """One tenant."""
    return _tagged(response, await registry.tenant(context, tenant_id))


@router.patch("/tenants/{tenant_id}")
async def change_tenant(
    operator: Administrator,
    context: InContext,
    tenant_id: TenantPath,
    matching: Matching,
    body: TenantChanges,
    response: Response,
) -> TenantShown:
    """Change a tenant's name or time zone, or enable or disable it; in force at once."""

    def check(row: TenantRow) -> None:
        current = TenantShown.model_validate(row)
        matching.check(_etag(current), current)

    changes = body.model_dump(exclude_none=True)
    row = await registry.change_tenant(context, actor_of(operator), tenant_id, changes, check)
    reached = await put_in_force(context, row.channel_id)
    key = Key(topics.CONFIG_CHANNEL, canonical_channel(row.channel_id or ""))
    return _tagged(response, row).model_copy(update={"in_force": in_force_shown(key, reached)})


def _tagged(response: Response, row: TenantRow) -> TenantShown:
    shown = TenantShown.model_validate(row)
    response.headers["etag"] = _etag(shown)
    return shown


def actor_of(operator: Operator) -> Actor:
    """Who changes something, for the record."""
    return Actor(operator.name, operator.trace_id)


def _etag(shown: TenantShown) -> str:
    return etag_of([shown.name, shown.time_zone, shown.is_enabled])
