"""Which lid is which phone: the evidence in an event, and what follows from all that was ever said."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from schemas import event_types
from schemas.contacts import ContactLink, LinkChange, LinkEvidence
from schemas.events import Event
from streams import identity, keys
from streams.identity import ContactKind

NO_EVIDENCE: Final = "no evidence"


def link_of(event: Event, tenant_id: int | None) -> ContactLink | None:
    """The link that an event proves: one body carried a lid and a phone for the same party (`payload.link`).

    Only the gateway's webhook is a witness: a producer may call itself the gateway, but tells no events of its types.
    `tenant_id` is whose event it was decided to be: a link is a tenant's own.
    """
    said = event.payload.get("link")
    if event.source_system != keys.GATEWAY or not event.event_type.startswith(event_types.PREFIX):
        return None
    if tenant_id is None or not isinstance(said, dict):
        return None
    pair = linkable(said.get("lid"), said.get("phone"))
    if pair is None:
        return None
    lid, phone = pair
    return ContactLink(
        lid=lid,
        phone=phone,
        tenant_id=tenant_id,
        evidence=LinkEvidence.PAYLOAD,
        what=LinkChange.LINKED,
        at=event.occurred_at,
        trace_id=event.trace_id,
        channel=event.channel,
        event_id=event.event_id,
    )


def linkable(lid: Any, phone: Any) -> tuple[str, str] | None:
    """The match key of a lid and the id of a phone, where they are such; else None.

    Equal digits are no evidence: the engine takes a lid without its domain for a phone, and says it back as one.
    """
    if not isinstance(lid, str) or not isinstance(phone, str):
        return None
    try:
        hidden, shown = identity.contact(lid), identity.contact(phone)
    except ValueError:
        return None
    digits = shown.id.partition("@")[0].partition(":")[0]
    if hidden.kind is not ContactKind.LID or shown.kind is not ContactKind.PHONE or not shown.key.isdecimal():
        return None
    return None if digits == hidden.key.partition("@")[0] else (hidden.key, shown.id)


@dataclass(frozen=True, slots=True)
class Claim:
    """All that was ever said of one lid and one phone: the provider's first word, and an operator's last.

    `phone` is a match key, `spelled` one of its spellings, the longest.
    """

    phone: str
    spelled: str
    evidence: LinkEvidence | None = None
    evidence_at: datetime | None = None
    evidence_channel: str | None = None
    evidence_event_id: str | None = None
    evidence_trace_id: str | None = None
    decision: LinkChange | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    decision_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """Which phone a lid is: a match key, or None and the reason why nobody knows."""

    phone: str | None
    reason: str | None = None


def claims(facts: Iterable[ContactLink]) -> list[Claim]:
    """What was said of one lid, by phone: the same in whatever order and however often the facts come."""
    found: dict[str, Claim] = {}
    for fact in facts:
        phone = identity.match_key(fact.phone)
        found[phone] = _with(found.get(phone, Claim(phone, fact.phone)), fact)
    return [found[phone] for phone in sorted(found)]


def resolve(said: Iterable[Claim]) -> Resolution:
    """The phone of a lid, or the reason why it is not known. Two phones are never one guess.

    An operator's word stands above the provider's: a link that was undone stays so whatever evidence comes later, and
    one that an operator made counts alone.
    """
    said = list(said)
    standing = [claim for claim in said if claim.decision is LinkChange.LINKED] or [
        claim for claim in said if claim.decision is None and claim.evidence is not None
    ]
    if len(standing) == 1:
        return Resolution(standing[0].phone)
    if standing:
        return Resolution(None, f"ambiguous: {len(standing)} phones")
    undone = [claim for claim in said if claim.decision is LinkChange.UNDONE]
    if undone:
        return Resolution(None, f"undone by {max(undone, key=_decided).decided_by}")
    return Resolution(None, NO_EVIDENCE)


def _with(claim: Claim, fact: ContactLink) -> Claim:
    claim = replace(claim, spelled=max(claim.spelled, fact.phone))
    if fact.evidence is LinkEvidence.OPERATOR:
        decided = replace(
            claim, decision=fact.what, decided_at=fact.at, decided_by=fact.by, decision_reason=fact.reason
        )
        return decided if claim.decided_at is None or _decided(decided) > _decided(claim) else claim
    evident = replace(
        claim,
        evidence=fact.evidence,
        evidence_at=fact.at,
        evidence_channel=fact.channel,
        evidence_event_id=fact.event_id,
        evidence_trace_id=fact.trace_id,
    )
    return evident if claim.evidence_at is None or _evident(evident) < _evident(claim) else claim


def _decided(claim: Claim) -> tuple[Any, ...]:
    """The later decision stands; of two at one moment the undoing does, since `undone` sorts after `linked`."""
    return claim.decided_at, claim.decision, claim.decided_by, claim.decision_reason or ""


def _evident(claim: Claim) -> tuple[Any, ...]:
    return claim.evidence_at, claim.evidence, claim.evidence_trace_id, claim.evidence_event_id or ""
