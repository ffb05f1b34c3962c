"""`contacts`: who writes, by match key, with the name they last gave and the id the network last used.

From the messages of event.accepted. Two spellings of one phone are one contact; a lid and a phone are two, until
`contact_links` says that they are one person. A lid that only contact.link names has a row without times.
"""

from typing import Final

from adapters.mysql.projections import messages
from adapters.mysql.records import Records
from adapters.mysql.statements import Row, cut, greatest, least, time, upsert, where
from adapters.mysql.steps import Write
from schemas import event_types as types
from schemas.events import AcceptedEvent
from streams import identity
from streams.revisions import SHELL

_LONGEST_NAME: Final = 255


def rows(records: Records) -> list[Row]:
    """One row for the other party of each message, one for who speaks in a group, and one for a lid that was linked."""
    found = [row for event in messages.shown(records) if event.revision > SHELL for row in _rows(event)]
    found += [{"tenant_id": tenant_id, "contact": lid} for tenant_id, lid in _linked(records)]
    return sorted(found, key=lambda row: (row["tenant_id"], row["contact"]))


def _linked(records: Records) -> set[tuple[int, str]]:
    return {(link.tenant_id, link.lid) for link in records.links}


def _rows(event: AcceptedEvent) -> list[Row]:
    tenant_id = event.decision.tenant_id if event.decision else None
    if tenant_id is None or event.contact is None:
        return []
    chat, author, sender = (cut(event.payload.get(name), _LONGEST_NAME) for name in ("chat", "author", "sender_name"))
    name = sender if event.event_type == types.INBOUND_MESSAGE else None
    found = [_row(event, tenant_id, event.contact, chat, None if author else name)]
    if author and (author_key := _key(author)) and author_key != event.contact:
        found.append(_row(event, tenant_id, author_key, author, name))
    return found


def _row(event: AcceptedEvent, tenant_id: int, contact: str, network_id: str | None, name: str | None) -> Row:
    at = time(event.occurred_at)
    return {
        "tenant_id": tenant_id,
        "contact": contact,
        "display_name": name,
        "named_at": at if name else None,
        "network_id": network_id,
        "first_seen_at": at,
        "last_seen_at": at,
    }


def _key(spelled: str) -> str | None:
    try:
        return identity.match_key(spelled)
    except ValueError:
        return None


_NAMED_LATER: Final = (
    "new.named_at IS NOT NULL AND (old.named_at IS NULL OR new.named_at > old.named_at "
    "OR (new.named_at = old.named_at AND new.display_name > old.display_name))"
)
_SEEN_LATER: Final = (
    "new.network_id IS NOT NULL AND (old.network_id IS NULL OR new.last_seen_at > old.last_seen_at "
    "OR (new.last_seen_at = old.last_seen_at AND new.network_id > old.network_id))"
)

STEPS: Final = (
    Write(
        rows,
        upsert(
            "contacts",
            ("tenant_id", "contact", "display_name", "named_at", "network_id", "first_seen_at", "last_seen_at"),
            where(_NAMED_LATER, "display_name")
            | greatest("named_at")
            | where(_SEEN_LATER, "network_id")
            | least("first_seen_at")
            | greatest("last_seen_at"),
        ),
    ),
)
