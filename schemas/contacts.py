"""Contacts: which lid is which phone, by whose word, and what is asked of the gateway to find out."""

from datetime import datetime
from enum import StrEnum

import msgspec

from schemas.events import SCHEMA_VERSION


class LinkEvidence(StrEnum):
    """By whose word a lid and a phone are one contact, or are not."""

    PAYLOAD = "payload"
    """A body from the gateway carried both for the same party."""
    GATEWAY = "gateway"
    """The gateway answered a look-up of the lid with the phone."""
    OPERATOR = "operator"
    """A person said so."""


class LinkChange(StrEnum):
    """What is said of a lid and a phone."""

    LINKED = "linked"
    UNDONE = "undone"


class ContactLink(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One fact about a lid and a phone: the value of `contact.link`, keyed by the lid.

    `lid` is a match key (`streams.identity.match_key`), `phone` an id as the provider or the operator spelled it. A
    link is a tenant's own. `event_id` is the event that brought the evidence. `by` and `reason` are an operator's, who
    alone can undo. `at` is UTC.
    """

    lid: str
    phone: str
    tenant_id: int
    evidence: LinkEvidence
    what: LinkChange
    at: datetime
    trace_id: str
    channel: str | None = None
    event_id: str | None = None
    by: str | None = None
    reason: str | None = None
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        """ValueError where an operator has no name, or somebody else undoes."""
        if self.evidence is LinkEvidence.OPERATOR:
            if not self.by:
                raise ValueError("an operator's word needs `by`")
        elif self.what is LinkChange.UNDONE:
            raise ValueError("only an operator undoes a link")


class LookUp(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """Ask the gateway for the phone behind a lid: the value of `command.lookup`, keyed by its canonical channel.

    `command_id` is the UUIDv5 of the event and `lookup`. `lid` is a match key. `at` is when the event was received,
    in UTC.
    """

    command_id: str
    event_id: str
    trace_id: str
    tenant_id: int
    channel: str
    lid: str
    at: datetime
    schema_version: int = SCHEMA_VERSION
