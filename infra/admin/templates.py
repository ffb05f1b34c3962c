"""`/api/admin/templates`: the texts of messages."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from infra.admin import authored
from infra.admin.access import Administrator, Reader
from infra.admin.context import InContext
from infra.admin.etags import Matching
from infra.admin.once import OnceOnly
from infra.authoring.edits import alteration, creation
from schemas.admin import values
from schemas.admin.authored import AuthoredFilter, Changing, Deleted, Restoration, StandingShown, VersionShown
from schemas.admin.pages import Listing, Page
from schemas.admin.templates import NewTemplate, TemplateChange, TemplateShown
from streams.configuration import Key
from streams.topics import CONFIG_TEMPLATE

router: Final = APIRouter(tags=["templates"])

Name = Annotated[values.Key, Path()]
Said = Annotated[Changing, Query()]


@router.get("/templates")
async def list_templates(
    _: Reader, context: InContext, wanted: Annotated[AuthoredFilter, Query()]
) -> Page[TemplateShown]:
    """Templates as they are written, by their names."""
    return await authored.listed(context, CONFIG_TEMPLATE, TemplateShown, wanted)


@router.post("/templates", status_code=201)
async def create_template(
    operator: Administrator, context: InContext, once: OnceOnly, body: NewTemplate, said: Said, response: Response
) -> TemplateShown:
    """Make a template and bring it into force; a rule that names it may come then."""
    edit = creation(_key(body.name), body.model_dump(exclude={"name"}))
    return await authored.create(context, once, edit, body, TemplateShown, operator, said, response)


@router.get("/templates/{name}")
async def show_template(_: Reader, context: InContext, name: Name, response: Response) -> TemplateShown:
    """One template as it is written."""
    return await authored.one(context, _key(name), TemplateShown, response)


@router.patch("/templates/{name}")
async def change_template(
    operator: Administrator,
    context: InContext,
    name: Name,
    matching: Matching,
    body: TemplateChange,
    said: Said,
    response: Response,
) -> TemplateShown:
    """Give a template another text, enable or disable it; a variable that no recent event has must be confirmed."""
    edit = alteration(_key(name), body.model_dump(exclude_unset=True))
    return await authored.change(context, matching, edit, TemplateShown, operator, said, response)


@router.delete("/templates/{name}")
async def delete_template(
    operator: Administrator, context: InContext, name: Name, matching: Matching, said: Said
) -> Deleted:
    """Delete a template that no enabled rule names; restoring a version brings it back."""
    return await authored.delete(context, matching, _key(name), operator, said)


@router.get("/templates/{name}/history")
async def list_versions_of_template(
    _: Reader, context: InContext, name: Name, wanted: Annotated[Listing, Query()]
) -> Page[VersionShown]:
    """The versions that were published, the newest first, with who made them."""
    return await authored.versions(context, _key(name), wanted)


@router.post("/templates/{name}/restore")
async def restore_template(
    operator: Administrator,
    context: InContext,
    name: Name,
    matching: Matching,
    body: Restoration,
    said: Said,
    response: Response,
) -> TemplateShown:
    """Write an older version again, also of a template that was deleted (with any If-Match)."""
    return await authored.restore(context, matching, _key(name), body.version, TemplateShown, operator, said, response)


@router.get("/templates/{name}/standing")
async def show_standing_of_template(_: Reader, context: InContext, name: Name) -> StandingShown:
    """Whether a template is in force as it is written, and in which workers."""
    return await authored.standing(context, _key(name))


def _key(name: str) -> Key:
    return Key(CONFIG_TEMPLATE, name)
