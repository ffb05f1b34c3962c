"""`/api/admin/targets`: where `ai` and `http` actions post events."""

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Path, Query, Response

from infra import targets
from infra.admin import authored
from infra.admin.access import Administrator, Operating, Reader
from infra.admin.context import InContext
from infra.admin.etags import Matching
from infra.admin.once import OnceOnly
from infra.audit import record_change
from infra.authoring.edits import alteration, creation
from schemas.admin import values
from schemas.admin.authored import AuthoredFilter, Changing, StandingShown, VersionShown
from schemas.admin.pages import Listing, Page
from schemas.admin.targets import NewTarget, Question, Rotation, SecretShown, TargetChange, TargetShown, TriedShown
from schemas.configuration import Target
from streams.topics import CONFIG_TARGET

router: Final = APIRouter(tags=["targets"])

Name = Annotated[values.Key, Path()]
Said = Annotated[Changing, Query()]


@router.get("/targets")
async def list_targets(_: Reader, context: InContext, wanted: Annotated[AuthoredFilter, Query()]) -> Page[TargetShown]:
    """Targets as they are written, by their names."""
    return await authored.listed(context, CONFIG_TARGET, TargetShown, wanted)


@router.post("/targets", status_code=201)
async def add_target(
    operator: Administrator, context: InContext, once: OnceOnly, body: NewTarget, said: Said, response: Response
) -> TargetShown:
    """Add a target and bring it into force; a rule that names it may come then."""
    fields = targets.allowed(context.settings, body.model_dump(exclude={"name"}))
    edit = creation(targets.key_of(body.name), fields)
    return await authored.create(context, once, edit, body, TargetShown, operator, said, response)


@router.get("/targets/{name}")
async def show_target(_: Reader, context: InContext, name: Name, response: Response) -> TargetShown:
    """One target as it is written."""
    return await authored.one(context, targets.key_of(name), TargetShown, response)


@router.patch("/targets/{name}")
async def change_target(
    operator: Administrator,
    context: InContext,
    name: Name,
    matching: Matching,
    body: TargetChange,
    said: Said,
    response: Response,
) -> TargetShown:
    """Give a target another address or time, enable or disable it."""
    fields = targets.allowed(context.settings, body.model_dump(exclude_unset=True))
    edit = alteration(targets.key_of(name), fields)
    return await authored.change(context, matching, edit, TargetShown, operator, said, response)


@router.post("/targets/{name}/rotate")
async def rotate_secret_of_target(
    operator: Administrator,
    context: InContext,
    name: Name,
    matching: Matching,
    body: Rotation,
    said: Said,
    response: Response,
) -> TargetShown:
    """Give a target the next secret; the present one signs as well for some hours more."""
    edit = targets.rotation(name, body.keep_hours)
    return await authored.change(context, matching, edit, TargetShown, operator, said, response)


@router.get("/targets/{name}/secret")
async def show_secret_of_target(
    operator: Administrator, context: InContext, name: Name, response: Response
) -> SecretShown:
    """The secret of a target, for whoever runs it. That it was shown is on record."""
    target = await _found(context, name)
    secret = targets.secret(context.settings, target)
    await record_change(
        await context.producer(),
        actor=operator.name,
        action="target.secret_shown",
        subject=f"target:{target.id}",
        detail={"secret_version": target.secret_version},
        trace_id=operator.trace_id,
    )
    response.headers["cache-control"] = "no-store"
    return SecretShown(name=name, secret_version=target.secret_version, secret=secret)


@router.post("/targets/{name}/test")
async def try_target(_: Operating, context: InContext, name: Name, body: Question) -> TriedShown:
    """Post a made-up event to a target, and show its answer. Nothing is sent."""
    tried = await targets.tried(context.settings, await _found(context, name), body.text)
    return TriedShown.model_validate(msgspec.to_builtins(tried))


@router.get("/targets/{name}/history")
async def list_versions_of_target(
    _: Reader, context: InContext, name: Name, wanted: Annotated[Listing, Query()]
) -> Page[VersionShown]:
    """The versions that were published, the newest first, with who made them."""
    return await authored.versions(context, targets.key_of(name), wanted)


@router.get("/targets/{name}/standing")
async def show_standing_of_target(_: Reader, context: InContext, name: Name) -> StandingShown:
    """Whether a target is in force as it is written, and in which workers."""
    return await authored.standing(context, targets.key_of(name))


async def _found(context: InContext, name: str) -> Target:
    async with context.db.session() as session:
        return await targets.found(session, name)
