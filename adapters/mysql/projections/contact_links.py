"""`contact_links`, and what follows from them for `contacts`: which lid is which phone, or why nobody knows.

From contact.link. A lid is worked out anew whenever a link of it or its contact comes, under the lock of its contact's
row, so that neither order nor repetition of the two topics can falsify it.
"""

from collections import defaultdict
from itertools import groupby
from typing import Any, Final

from adapters.mysql.pool import Session
from adapters.mysql.projections import contacts
from adapters.mysql.records import Records
from adapters.mysql.statements import INTEGER, TEXT, Row, cut, over, time, upsert, where
from adapters.mysql.steps import Write
from schemas.contacts import ContactLink, LinkChange, LinkEvidence
from streams.contact_links import Claim, claims, resolve

_LONGEST_NAME: Final = 191
_LONGEST_REASON: Final = 500
_LONGEST_OUTCOME: Final = 255

Lid = tuple[int, str]
"""A tenant and the match key of a lid."""


def rows(records: Records) -> list[Row]:
    """One row for each lid and phone of which something was said."""
    said: defaultdict[Lid, list[ContactLink]] = defaultdict(list)
    for link in records.links:
        said[link.tenant_id, link.lid].append(link)
    return [_row(lid, claim) for lid in sorted(said) for claim in claims(said[lid])]


def _row(lid: Lid, claim: Claim) -> Row:
    return {
        "tenant_id": lid[0],
        "contact": lid[1],
        "same_as": claim.phone,
        "phone": claim.spelled,
        "evidence": claim.evidence,
        "evidence_at": time(claim.evidence_at),
        "evidence_channel": claim.evidence_channel,
        "evidence_event_id": claim.evidence_event_id,
        "evidence_trace_id": claim.evidence_trace_id,
        "decision": claim.decision,
        "decided_at": time(claim.decided_at),
        "decided_by": cut(claim.decided_by, _LONGEST_NAME),
        "decision_reason": cut(claim.decision_reason, _LONGEST_REASON),
    }


class Resolved:
    """Writes into the contacts what their links come to."""

    async def apply(self, session: Session, records: Records) -> None:
        """Read the links of every lid that the records name, and say what it is."""
        touched = sorted({(row["tenant_id"], row["contact"]) for row in contacts.rows(records) if _is_lid(row)})
        if not touched:
            return
        outcomes = {lid: _outcome(lid, []) for lid in touched}
        for statement in _LINKS.filled(_address(lid) for lid in touched):
            found = await session.fetch(statement)
            for lid, links in groupby(found, key=lambda row: (row["tenant_id"], row["contact"])):
                outcomes[lid] = _outcome(lid, [claim_of(row) for row in links])
        for statement in _SAY.filled(outcomes.values()):
            await session.execute(statement)


def claim_of(row: dict[str, Any]) -> Claim:
    """A row of `contact_links` as what was said; its times are naive, in UTC."""
    return Claim(
        phone=row["same_as"],
        spelled=row["phone"],
        evidence=LinkEvidence(row["evidence"]) if row["evidence"] else None,
        evidence_at=row["evidence_at"],
        evidence_channel=row["evidence_channel"],
        evidence_event_id=row["evidence_event_id"],
        evidence_trace_id=row["evidence_trace_id"],
        decision=LinkChange(row["decision"]) if row["decision"] else None,
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        decision_reason=row["decision_reason"],
    )


def _is_lid(row: Row) -> bool:
    return str(row["contact"]).endswith("@lid")


def _address(lid: Lid) -> Row:
    return {"tenant_id": lid[0], "contact": lid[1]}


def _outcome(lid: Lid, said: list[Claim]) -> Row:
    resolution = resolve(said)
    return {**_address(lid), "same_as": resolution.phone, "link_reason": cut(resolution.reason, _LONGEST_OUTCOME)}


def _as_tuple(side: str, moment: str, *texts: str) -> str:
    return ", ".join([f"({side}.{moment}", *(f"COALESCE({side}.{text}, '')" for text in texts)]) + ")"


_EVIDENCE: Final = ("evidence_at", "evidence", "evidence_trace_id", "evidence_event_id")
_DECISION: Final = ("decided_at", "decision", "decided_by", "decision_reason")
# The same comparisons as in streams/contact_links.py: the provider's first word stands, and an operator's last.
_EARLIER: Final = (
    "new.evidence_at IS NOT NULL AND (old.evidence_at IS NULL "
    f"OR {_as_tuple('new', *_EVIDENCE)} < {_as_tuple('old', *_EVIDENCE)})"
)
_LATER: Final = (
    "new.decided_at IS NOT NULL AND (old.decided_at IS NULL "
    f"OR {_as_tuple('new', *_DECISION)} > {_as_tuple('old', *_DECISION)})"
)
_ADDRESS: Final = {"tenant_id": INTEGER, "contact": TEXT}
_LINKS: Final = over(
    _ADDRESS,
    "SELECT link.* FROM {rows} STRAIGHT_JOIN contact_links AS link "
    "ON link.tenant_id = new.tenant_id AND link.contact = new.contact ORDER BY link.tenant_id, link.contact",
)
_SAY: Final = over(
    {**_ADDRESS, "same_as": TEXT, "link_reason": TEXT},
    "UPDATE {rows} STRAIGHT_JOIN contacts AS contact "
    "ON contact.tenant_id = new.tenant_id AND contact.contact = new.contact "
    "SET contact.same_as = new.same_as, contact.link_reason = new.link_reason",
)

STEPS: Final = (
    Write(
        rows,
        upsert(
            "contact_links",
            (
                "tenant_id",
                "contact",
                "same_as",
                "phone",
                "evidence",
                "evidence_at",
                "evidence_channel",
                "evidence_event_id",
                "evidence_trace_id",
                "decision",
                "decided_at",
                "decided_by",
                "decision_reason",
            ),
            # From the least to the most significant column of each comparison: those that are assigned already have
            # become equal, and leave what the others say as it was.
            {"phone": "GREATEST(old.phone, new.phone)"}
            | where(_EARLIER, "evidence_channel", *reversed(_EVIDENCE))
            | where(_LATER, *reversed(_DECISION)),
        ),
    ),
    Resolved(),
)
