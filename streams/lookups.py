"""Whose phone is to be looked up at the gateway: who writes under a lid, with nothing that links it to a phone."""

from typing import Final

from schemas import event_types
from schemas.contacts import LookUp
from schemas.events import Event
from streams import identity, keys
from streams.contact_links import link_of
from streams.identity import ContactKind

LOOKUP: Final = "lookup"


def lookup_of(event: Event, tenant_id: int | None) -> LookUp | None:
    """The look-up that a message asks for: of the author where it has one, else of the other party.

    Nothing where that is no lid, where the message itself tells its phone, and where there is no channel to ask by.
    """
    if event.source_system != keys.GATEWAY or tenant_id is None or event.channel is None:
        return None
    lid, known = _lid(event), link_of(event, tenant_id)
    if lid is None or (known is not None and known.lid == lid):
        return None
    return LookUp(
        command_id=keys.command_id(event.event_id, LOOKUP),
        event_id=event.event_id,
        trace_id=event.trace_id,
        tenant_id=tenant_id,
        channel=event.channel,
        lid=lid,
        at=event.received_at,
    )


def _lid(event: Event) -> str | None:
    """The match key of the lid that is to be known; the author of an own message is the channel itself."""
    match event.event_type:
        case event_types.INBOUND_MESSAGE:
            party = event.payload.get("author") or event.contact
        case event_types.OUTBOUND_MESSAGE:
            party = event.contact
        case _:
            return None
    try:
        found = identity.contact(party) if isinstance(party, str) else None
    except ValueError:
        return None
    return found.key if found and found.kind is ContactKind.LID else None
