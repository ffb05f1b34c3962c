"""`/api/admin/rules`: which event is answered how."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from infra.admin import authored
from infra.admin.access import Administrator, Reader
from infra.admin.context import InContext
from infra.admin.etags import Matching
from infra.admin.once import OnceOnly
from infra.authoring.edits import alteration, creation
from infra.authoring.ordering import ordering
from schemas.admin import values
from schemas.admin.authored import AuthoredFilter, Changing, Deleted, Restoration, StandingShown, VersionShown
from schemas.admin.pages import Listing, Page
from schemas.admin.rules import NewRule, Order, RuleChange, RuleShown
from streams.configuration import Key
from streams.topics import CONFIG_RULE

router: Final = APIRouter(tags=["rules"])

Id = Annotated[values.Key, Path()]
Said = Annotated[Changing, Query()]


@router.get("/rules")
async def list_rules(_: Reader, context: InContext, wanted: Annotated[AuthoredFilter, Query()]) -> Page[RuleShown]:
    """Rules as they are written, by their ids."""
    return await authored.listed(context, CONFIG_RULE, RuleShown, wanted)


@router.post("/rules", status_code=201)
async def create_rule(
    operator: Administrator, context: InContext, once: OnceOnly, body: NewRule, said: Said, response: Response
) -> RuleShown:
    """Make a rule and bring it into force. What is rarely meant is a 409 that names what `confirm` has to name."""
    fields = body.model_dump(exclude={"id"})
    edit = creation(_key(body.id), fields)
    return await authored.create(context, once, edit, body, RuleShown, operator, said, response)


@router.put("/rule-order", responses={412: {"$ref": "#/components/responses/Problem412"}})
async def order_rules(operator: Administrator, context: InContext, body: Order, said: Said) -> list[RuleShown]:
    """Give rules the priorities by which they come one after the other; a 422 where priorities do not decide it."""
    async with context.db.session() as session:
        edits = await ordering(session, [rule.id for rule in body.rules])
    etags = {_key(rule.id): rule.etag for rule in body.rules}
    return await authored.arrange(context, edits, etags, operator, said)


@router.get("/rules/{rule}")
async def show_rule(_: Reader, context: InContext, rule: Id, response: Response) -> RuleShown:
    """One rule as it is written."""
    return await authored.one(context, _key(rule), RuleShown, response)


@router.patch("/rules/{rule}")
async def change_rule(
    operator: Administrator,
    context: InContext,
    rule: Id,
    matching: Matching,
    body: RuleChange,
    said: Said,
    response: Response,
) -> RuleShown:
    """Change fields of a rule, enable or disable it, and bring that into force."""
    edit = alteration(_key(rule), body.model_dump(exclude_unset=True))
    return await authored.change(context, matching, edit, RuleShown, operator, said, response)


@router.delete("/rules/{rule}")
async def delete_rule(operator: Administrator, context: InContext, rule: Id, matching: Matching, said: Said) -> Deleted:
    """Delete a rule; restoring a version brings it back."""
    return await authored.delete(context, matching, _key(rule), operator, said)


@router.get("/rules/{rule}/history")
async def list_versions_of_rule(
    _: Reader, context: InContext, rule: Id, wanted: Annotated[Listing, Query()]
) -> Page[VersionShown]:
    """The versions that were published, the newest first, with who made them."""
    return await authored.versions(context, _key(rule), wanted)


@router.post("/rules/{rule}/restore")
async def restore_rule(
    operator: Administrator,
    context: InContext,
    rule: Id,
    matching: Matching,
    body: Restoration,
    said: Said,
    response: Response,
) -> RuleShown:
    """Write an older version again, also of a rule that was deleted (with any If-Match); that is a new version."""
    return await authored.restore(context, matching, _key(rule), body.version, RuleShown, operator, said, response)


@router.get("/rules/{rule}/standing")
async def show_standing_of_rule(_: Reader, context: InContext, rule: Id) -> StandingShown:
    """Whether a rule is in force as it is written, and in which workers."""
    return await authored.standing(context, _key(rule))


def _key(rule: str) -> Key:
    return Key(CONFIG_RULE, rule)
