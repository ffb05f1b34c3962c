"""Whose phone is looked up at the gateway and when: who writes under a lid that nothing links to a phone.

Each lid is asked for once by each channel. One without an answer is asked for again when it writes again, at most once
a day, and after a week of that at most once in thirty days.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from schemas import event_types
from schemas.contacts import ContactLink, LinkChange, LinkEvidence, LookUp
from schemas.events import Event
from streams import identity, keys
from streams.contact_links import link_of, linkable
from streams.identity import ContactKind

LOOKUP: Final = "lookup"
ANSWERED: Final = b"+"
"""What is remembered of a lid whose phone the gateway told."""

_AGAIN_AFTER: Final = timedelta(days=1)
_LATER_AFTER: Final = timedelta(days=30)
_TIMES_A_DAY_APART: Final = 7


class InVain(msgspec.Struct, frozen=True, array_like=True):
    """What is remembered of a lid without an answer: when it was asked for last, and how often."""

    asked_at: datetime
    times: int


_decode_in_vain: Final = msgspec.msgpack.Decoder(InVain).decode


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


def memory_key(wanted: LookUp) -> bytes:
    """Under what a lid is remembered, 16 bytes: each tenant's channel asks for itself."""
    return keys.hashed(f"{LOOKUP}|{wanted.tenant_id}|{wanted.channel}|{wanted.lid}")


def is_worth_asking(remembered: bytes | None, at: datetime) -> bool:
    """Whether a message that came at a moment is reason to ask for its lid."""
    if remembered is None or remembered == ANSWERED:
        return remembered is None
    before = _decode_in_vain(remembered)
    return at >= before.asked_at + (_AGAIN_AFTER if before.times < _TIMES_A_DAY_APART else _LATER_AFTER)


def asked_in_vain(remembered: bytes | None, at: datetime, *, is_repeated: bool) -> bytes:
    """What to remember where no phone was told. `is_repeated`: it was another try of one look-up."""
    times = 0 if remembered is None or remembered == ANSWERED else _decode_in_vain(remembered).times
    return msgspec.msgpack.encode(InVain(at, times if is_repeated else times + 1))


def answer_of(wanted: LookUp, lid: Any, phone: Any, at: datetime) -> ContactLink | None:
    """The link that the gateway's answer proves; None where it told no phone, or that of another lid."""
    pair = linkable(wanted.lid if lid is None else lid, phone)
    if pair is None or pair[0] != wanted.lid:
        return None
    return ContactLink(
        lid=wanted.lid,
        phone=pair[1],
        tenant_id=wanted.tenant_id,
        evidence=LinkEvidence.GATEWAY,
        what=LinkChange.LINKED,
        at=at,
        trace_id=wanted.trace_id,
        channel=wanted.channel,
        event_id=wanted.event_id,
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
