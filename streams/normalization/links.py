"""Which lid is which phone, where one body tells both of the same party. Never by a name, never by digits."""

from collections.abc import Iterator
from typing import Any, Final

from streams import identity
from streams.contact_links import linkable
from streams.identity import ContactKind
from streams.normalization import fields, values
from streams.normalization.fields import Parts, Place
from streams.normalization.inbound import Ack, Inbound, Message, Reaction

_KEYS: Final = (fields.MESSAGE_KEY, fields.DATA_KEY, fields.PAYLOAD_KEY)


def _in_keys(*names: str) -> tuple[Place, ...]:
    return tuple((part, name) for part in _KEYS for name in names)


_CHAT: Final = (*fields.CHAT, *_in_keys("remoteJidAlt"))
_RECEIVED_FROM: Final = (*fields.FROM, *_CHAT, *_in_keys("senderPn", "senderLid"))
_SENT_TO: Final = (*fields.TO, *_CHAT)
_SPOKEN_BY: Final = (*fields.AUTHOR, *_in_keys("participantAlt", "participantPn", "participantLid"))
"""Baileys names both ids of a party in a message's key: `remoteJidAlt` and `participantAlt` since version 7
(https://baileys.wiki/api-reference/type-aliases/WAMessageKey), before it `senderPn`, `senderLid`, `participantPn` and
`participantLid`. Of an own message, `sender...` is the channel's own number."""
_IN_CONTACT: Final = ("id", "lid", "phoneNumber")
"""The engine's contact objects: https://github.com/wppconnect-team/wppconnect/issues/2428"""


def of(parts: Parts, said: Inbound) -> dict[str, str] | None:
    """The lid and the phone of the other party, in a group of its speaker; None where not one of each is told."""
    lids: dict[str, str] = {}
    phones: dict[str, str] = {}
    for told in _party(parts, said):
        contact = identity.contact(told)
        if contact.kind is ContactKind.LID:
            lids[contact.key] = contact.key
        elif contact.kind is ContactKind.PHONE:
            digits = contact.id.partition("@")[0].partition(":")[0]
            phones.setdefault(contact.key, f"{digits}@c.us")
    if len(lids) != 1 or len(phones) != 1:
        return None
    pair = linkable(*lids.values(), *phones.values())
    return None if pair is None else {"lid": pair[0], "phone": pair[1]}


def _party(parts: Parts, said: Inbound) -> Iterator[str]:
    """All spellings of one party: ids that name the same by the field in which they stand."""
    if not isinstance(said, (Message, Reaction, Ack)):
        return
    is_own = isinstance(said, Ack) or said.is_own
    if said.chat is not None and said.chat.endswith("@g.us"):
        if is_own:
            return
        yield from fields.each(parts, _SPOKEN_BY, values.contact_id)
        in_id = said.id and said.id.participant
    else:
        yield from fields.each(parts, _SENT_TO if is_own else _RECEIVED_FROM, values.contact_id)
        in_id = said.id and said.id.chat
    if told := values.contact_id(in_id):
        yield told
    if not is_own:
        yield from _contact(parts[fields.PAYLOAD].get("sender"))


def _contact(sender: Any) -> Iterator[str]:
    if isinstance(sender, dict):
        for name in _IN_CONTACT:
            if told := values.contact_id(sender.get(name)):
                yield told
