"""`/api/admin/deliveries`: what became of messages, and an operator's word on them."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from infra import deliveries
from infra.admin.access import Operating, Operator, Reader
from infra.admin.context import InContext
from infra.admin.listing import page, wanted_rows
from infra.context import Context
from infra.deliveries import KnownDelivery
from infra.errors import InvalidError
from infra.said import LONGEST_REASON, said
from infra.settling import put_on_record
from schemas.admin.deliveries import (
    Decided,
    DeliveryFilter,
    DeliveryShown,
    FactShown,
    Reason,
    Settlement,
    WholeDelivery,
)
from schemas.admin.pages import Page
from schemas.admin.values import Key
from schemas.deliveries import OperatorDecision
from streams import identity

router: Final = APIRouter(tags=["deliveries"])

CommandId = Annotated[Key, Path(description="Of the command or its event.")]


@router.get("/deliveries")
async def list_deliveries(
    _: Reader, context: InContext, wanted: Annotated[DeliveryFilter, Query()]
) -> Page[DeliveryShown]:
    """Messages to be sent and what became of them, those that were made last first."""
    filters = {
        "contact": _contact(wanted.to),
        "status": wanted.status,
        "tenant": wanted.tenant,
        "channel": wanted.channel and identity.canonical_channel(wanted.channel),
        "type": wanted.type,
        "text": wanted.text,
    }
    found, after = await deliveries.page(context.db, wanted_rows("deliveries", wanted, filters))
    return page("deliveries", wanted, DeliveryShown, found, after)


@router.get("/deliveries/{command_id}")
async def show_delivery(_: Reader, context: InContext, command_id: CommandId) -> WholeDelivery:
    """One message with its text and its facts, and what may be decided about it."""
    return _whole(await deliveries.find(context.db, command_id))


@router.post("/deliveries/{command_id}/settle", status_code=202)
async def settle_delivery(operator: Operating, context: InContext, command_id: CommandId, body: Settlement) -> Decided:
    """Say that a message in doubt was sent, or was not; evidence that comes later says otherwise."""
    return await _decide(context, operator, command_id, OperatorDecision(body.outcome), body.why)


@router.post("/deliveries/{command_id}/resend", status_code=202)
async def resend_delivery(operator: Operating, context: InContext, command_id: CommandId, body: Reason) -> Decided:
    """Send once more what is in doubt, has failed or was cancelled; or try now what waits for its retry."""
    return await _decide(context, operator, command_id, OperatorDecision.RESEND, body.why)


@router.post("/deliveries/{command_id}/cancel", status_code=202)
async def cancel_delivery(operator: Operating, context: InContext, command_id: CommandId, body: Reason) -> Decided:
    """Never send a message, nor send it again; a request that is under way goes on."""
    return await _decide(context, operator, command_id, OperatorDecision.CANCEL, body.why)


async def _decide(
    context: Context, operator: Operator, command_id: str, decision: OperatorDecision, why: str
) -> Decided:
    why = said("why", why, LONGEST_REASON) if why.strip() else ""
    known, where = await put_on_record(context, command_id, decision, by=operator.name, why=why)
    return Decided(command_id=known.about.command_id, decision=decision.value, by=operator.name, record=str(where))


def _whole(known: KnownDelivery) -> WholeDelivery:
    facts = [
        FactShown.model_validate(
            {name: getattr(one.fact, name, None) for name in FactShown.model_fields} | {"record": str(one.record)}
        )
        for one in known.facts
    ]
    return WholeDelivery(
        **dict(DeliveryShown.model_validate(known.about)),
        text=known.text,
        provider_message_id=known.provider_message_id,
        facts=facts,
        open_to=[decision.value for decision in known.open_to(datetime.now(UTC))],
    )


def _contact(spelled: str | None) -> str | None:
    """The match key of whom a message goes to."""
    try:
        return None if spelled is None else identity.match_key(identity.recipient(spelled))
    except ValueError as error:
        raise InvalidError(f"{spelled!r} is nobody's id: {error}.", "query.to") from None
