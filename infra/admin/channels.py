"""`/api/admin/channels`: who owns which channel."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from adapters.mysql import channels as sql
from adapters.mysql.channels import ChannelRow
from adapters.mysql.pool import Session
from infra.admin import cursors
from infra.admin.access import Administrator, Reader
from infra.admin.authored import in_force_shown
from infra.admin.context import InContext
from infra.admin.etags import IfMatch, Matching, etag_of
from infra.admin.once import OnceOnly
from infra.admin.tenants import actor_of
from infra.channels import registry
from infra.channels.effects import put_in_force
from infra.channels.registry import ChannelCheck
from infra.channels.setup import Setup
from infra.context import Context
from schemas.admin.channels import ChannelChanges, ChannelFilter, ChannelShown, Move, NewChannel
from schemas.admin.pages import Page
from streams import topics
from streams.configuration import Key

router: Final = APIRouter(tags=["channels"])

ChannelPath = Annotated[str, Path(min_length=1, max_length=100, description="The channel, in any spelling.")]


@router.get("/channels")
async def list_channels(_: Reader, context: InContext, wanted: Annotated[ChannelFilter, Query()]) -> Page[ChannelShown]:
    """Channels with what webhooks told of them last, in the order in which they were made."""
    after = cursors.position("channels", wanted, int)
    filters = {name: getattr(wanted, name) for name in sql.CHANNEL_FILTERS}
    rows = await sql.page_of_channels(context.db, after=after or 0, limit=wanted.limit + 1, filters=filters)
    shown = [ChannelShown.model_validate(row) for row in rows[: wanted.limit]]
    return cursors.page("channels", wanted, shown, rows[wanted.limit - 1].row_id if len(rows) > wanted.limit else None)


@router.post("/channels", status_code=201)
async def add_channel(
    operator: Administrator, context: InContext, once: OnceOnly, body: NewChannel, response: Response
) -> ChannelShown:
    """Give a tenant its channel, made at the gateway where that has none. The same again gives the same channel."""

    async def make(session: Session) -> ChannelShown:
        setup = Setup(context, actor_of(operator))
        row = await setup.begin(session, body.tenant_id, body.channel_id, body.display_name)
        return ChannelShown.model_validate(row)

    made = await once.run(body, ChannelShown, make)
    return await _in_force(context, response, made)


@router.get("/channels/{channel}")
async def show_channel(_: Reader, context: InContext, channel: ChannelPath, response: Response) -> ChannelShown:
    """One channel, without asking the gateway."""
    shown = ChannelShown.model_validate(await registry.channel(context, channel))
    response.headers["etag"] = _etag(shown)
    return shown


@router.patch("/channels/{channel}")
async def change_channel(
    operator: Administrator,
    context: InContext,
    channel: ChannelPath,
    matching: Matching,
    body: ChannelChanges,
    response: Response,
) -> ChannelShown:
    """Change a channel's display name, pace and window, or enable or disable it; in force at once."""
    changes = body.model_dump(exclude_unset=True)
    if body.is_enabled is None:
        changes.pop("is_enabled", None)
    row = await registry.change_channel(context, actor_of(operator), channel, changes, _checked(matching))
    return await _in_force(context, response, ChannelShown.model_validate(row))


@router.post("/channels/{channel}/move")
async def move_channel(
    operator: Administrator,
    context: InContext,
    channel: ChannelPath,
    matching: Matching,
    body: Move,
    response: Response,
) -> ChannelShown:
    """Hand a channel over to another tenant. What the former one has under way by it fails with `channel_changed`."""
    check = _checked(matching)
    row = await registry.move(context, actor_of(operator), channel, body.tenant_id, body.reason, check)
    return await _in_force(context, response, ChannelShown.model_validate(row))


def _checked(matching: IfMatch) -> ChannelCheck:
    def check(row: ChannelRow) -> None:
        current = ChannelShown.model_validate(row)
        matching.check(_etag(current), current)

    return check


async def _in_force(context: Context, response: Response, shown: ChannelShown) -> ChannelShown:
    """What was changed, once it is in force, or as far as that has come."""
    response.headers["etag"] = _etag(shown)
    reached = await put_in_force(context, shown.channel_id)
    return shown.model_copy(update={"in_force": in_force_shown(Key(topics.CONFIG_CHANNEL, shown.id), reached)})


def _etag(shown: ChannelShown) -> str:
    return etag_of([shown.channel_id, shown.tenant_id, shown.display_name, shown.is_enabled, shown.metadata])
