"""How a contact looks: a tree for people; phones, lids and names only where they are asked for."""

from datetime import datetime

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from infra.contacts import KnownContact, KnownLink, Person
from infra.logging import mask_phones
from schemas.contacts import LinkChange

HIDDEN = "(hidden)"


def discreet(person: Person) -> Person:
    """The same person with phones and lids masked and names left out."""
    contacts = [
        msgspec.structs.replace(
            contact,
            contact=mask_phones(contact.contact),
            same_as=_masked(contact.same_as),
            network_id=_masked(contact.network_id),
            display_name=HIDDEN if contact.display_name else None,
        )
        for contact in person.contacts
    ]
    links = [
        msgspec.structs.replace(
            link,
            lid=mask_phones(link.lid),
            phone=mask_phones(link.phone),
            decision_reason=_masked(link.decision_reason),
        )
        for link in person.links
    ]
    return Person(person.tenant_id, mask_phones(person.person), contacts, links)


def print_person(console: Console, person: Person) -> None:
    """The ids of one person, and by whose word they are the same or are not."""
    tree = Tree(f"[bold]{escape(person.person)}[/bold]  tenant {person.tenant_id}")
    for contact in person.contacts:
        tree.add(escape(_contact(contact)))
    for link in person.links:
        branch = tree.add(f"link     {escape(link.lid)} = {escape(link.phone)}")
        for line in _words(link):
            branch.add(escape(line))
    console.print(tree)


def _contact(contact: KnownContact) -> str:
    name = f"  {contact.display_name}" if contact.display_name else ""
    seen = f"  last seen {_when(contact.last_seen_at)}" if contact.last_seen_at else "  never seen"
    state = ""
    if contact.link_state:
        about = contact.same_as or contact.link_reason
        state = f"  {contact.link_state}: {about}"
    return f"contact  {contact.contact}{name}{seen}{state}"


def _words(link: KnownLink) -> list[str]:
    words = []
    if link.evidence:
        by = f" on {link.evidence_channel}" if link.evidence_channel else ""
        event = f", event {link.evidence_event_id}" if link.evidence_event_id else ""
        words.append(f"{_when(link.evidence_at)}  linked by {link.evidence}{by}{event}")
    if link.decision:
        said = "undone" if link.decision is LinkChange.UNDONE else "linked"
        reason = f": {link.decision_reason}" if link.decision_reason else ""
        words.append(f"{_when(link.decided_at)}  {said} by {link.decided_by}{reason}")
    return words


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""


def _masked(text: str | None) -> str | None:
    return None if text is None else mask_phones(text)
