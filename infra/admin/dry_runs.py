"""`/api/admin/dry-runs`: what a change would change, before anybody makes it."""

from typing import Final

from fastapi import APIRouter

from infra.admin.access import Operating
from infra.admin.context import InContext
from infra.errors import InvalidError
from schemas.admin.dry_runs import DryRunShown, Proposed
from schemas.proposals import Proposal
from streams.proposals import objections
from streams.soundness import rule_of, template_of

router: Final = APIRouter(tags=["rules"])


@router.post("/dry-runs")
async def try_out(operator: Operating, context: InContext, body: Proposed) -> DryRunShown:
    """What would differ over the last events with these changes of rules and templates together; nothing is done.

    A 422 where they could not be put in force; a 503 at once while another dry run of the same token is not done.
    """
    proposal = _proposal(body)
    entries = (await (await context.publisher()).published()).entries
    for key, reason in objections(entries, proposal):
        raise InvalidError(f"{key} cannot be so: {reason}.")
    found = await context.laboratory.try_out_for(operator.name, proposal, last=body.last, most=body.most)
    return DryRunShown.model_validate(found)


def _proposal(body: Proposed) -> Proposal:
    templates = [{**template.model_dump(exclude={"name"}), "id": template.name} for template in body.templates]
    return Proposal(
        rules=tuple(rule_of(rule.model_dump()) for rule in body.rules),
        templates=tuple(map(template_of, templates)),
        deleted_rules=tuple(body.deleted_rules),
        deleted_templates=tuple(body.deleted_templates),
    )
