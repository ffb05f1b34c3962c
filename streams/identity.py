"""Who and where: channels, contacts and message ids, whatever way they are spelled."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import msgspec

BRAZIL: Final = "55"
RECIPIENT_FIELDS: Final = ("to", "phone", "phone_normalized")

_USER_DOMAINS: Final = frozenset({"c.us", "s.whatsapp.net"})
_SHORTEST_LID: Final = 14
_LONGEST_NUMBER: Final = 20
"""Digits of the longest lid; a phone has 15 at most."""
_LONGEST_ID: Final = 255
_LONGEST_CONTACT: Final = 100
_MOBILE_STARTS: Final = frozenset("6789")
_SPELLED_PHONE: Final = re.compile(r"[+\d\s().\-/\u00a0\u2010-\u2015]+")
_SIGNED: Final = re.compile(r"[\-\u2010-\u2015]")
"""A number below zero is an error of whoever wrote it: its digits are nobody's phone."""
_ID: Final = re.compile(r"[!-~]+")
"""Visible ASCII: what is in no id of WhatsApp must not get into a key."""
_NOT_DIGITS: Final = re.compile(r"\D+", re.ASCII)


class ContactKind(StrEnum):
    """What a contact id names."""

    PHONE = "phone"
    LID = "lid"
    GROUP = "group"
    NEWSLETTER = "newsletter"
    BROADCAST = "broadcast"
    OTHER = "other"


_KIND_OF_DOMAIN: Final = {
    "c.us": ContactKind.PHONE,
    "s.whatsapp.net": ContactKind.PHONE,
    "lid": ContactKind.LID,
    "g.us": ContactKind.GROUP,
    "newsletter": ContactKind.NEWSLETTER,
    "broadcast": ContactKind.BROADCAST,
}


@dataclass(frozen=True, slots=True)
class Contact:
    """One party. `id` is its spelling as it came, `key` what equal parties have in common.

    The key of a phone is its digits, a Brazilian mobile's without the ninth digit; of everything else the id with its
    domain. A lid and a phone are never equal: only the provider can say that they are one person.
    """

    kind: ContactKind
    id: str
    key: str


class MessageId(msgspec.Struct, frozen=True, gc=False):
    """A provider's message id taken apart.

    `key` is its stable part in upper case, `full` the id as it came. `from_me`, `chat` and `participant` are known
    only where the id has its long form `{fromMe}_{chat}_{HEX}[_{participant}]`.
    """

    key: str
    full: str
    from_me: bool | None = None
    chat: str | None = None
    participant: str | None = None


@lru_cache(maxsize=4096)
@lru_cache(maxsize=8192)
def canonical_channel(channel: str) -> str:
    """The one spelling of a channel id: case-folded, without white space; empty where nothing else was in it."""
    joined = "".join(channel.split())
    if joined.isascii():
        return joined.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", joined).casefold())


@lru_cache(maxsize=8192)
def contact(spelled: str) -> Contact:
    """Read a contact id: `...@c.us`, `...@lid`, `...@g.us` and so on, bare digits or a written phone number.

    Never judges whether a number is valid. ValueError where it is neither an id nor a number.
    """
    spelled = spelled.strip()
    user, at, domain = spelled.partition("@")
    if at:
        return _with_domain(spelled, user, domain.casefold())
    digits = _digits(spelled)
    if len(digits) >= _SHORTEST_LID and not digits.startswith(BRAZIL):
        return Contact(ContactKind.LID, spelled, f"{digits}@lid")
    return Contact(ContactKind.PHONE, spelled, _without_ninth_digit(digits))


def match_key(spelled: str) -> str:
    """What equal parties have in common (`Contact.key`): compare contacts by this alone."""
    return contact(spelled).key


@lru_cache(maxsize=8192)
def recipient(spelled: str | int) -> str:
    """The recipient as the gateway takes it.

    An id with `@` stays exactly as it is. A number becomes its digits; a Brazilian one without its country code (area
    code and 8 digits, or 9 that begin with 9) gets it, unless a `+` says that the code is there. Bare digits that can
    only be a lid get its domain. ValueError where it is neither.
    """
    spelled = str(spelled).strip()
    if "@" in spelled:
        named = contact(spelled)
        if named.kind is ContactKind.OTHER:
            raise _not(spelled, "neither a phone number nor a WhatsApp id")
        return named.id
    digits = _digits(spelled)
    if spelled.startswith("+"):
        return digits
    if digits.startswith("00"):
        return digits.lstrip("0")
    digits = digits.removeprefix("0")
    if _is_brazilian_without_country(digits):
        return BRAZIL + digits
    if len(digits) >= _SHORTEST_LID and not digits.startswith(BRAZIL):
        return f"{digits}@lid"
    return digits


def recipient_in(payload: Mapping[str, Any]) -> str | int | None:
    """The recipient as a producer gave it: the first of `to`, `phone`, `phone_normalized` that is there."""
    for name in RECIPIENT_FIELDS:
        value = payload.get(name)
        if value and isinstance(value, str | int) and not isinstance(value, bool):
            return value
    return None


def conversation_id(channel: str | None, contact_key: str | None) -> str | None:
    """The conversation of a canonical channel with a contact's match key; None where one of them is not known."""
    return f"{channel}:{contact_key}" if channel and contact_key else None


def parties_of(conversation_id: str) -> tuple[str, str] | None:
    """The canonical channel and the match key of a conversation; None where the text names none.

    No match key has a colon; a channel may.
    """
    channel, _, key = conversation_id.rpartition(":")
    try:
        party = contact(key)
    except ValueError:
        return None
    is_one = party.key == key and party.kind is not ContactKind.OTHER and channel == canonical_channel(channel) != ""
    return (channel, key) if is_one else None


def message_id(value: Any) -> MessageId | None:
    """Take a message id apart: text, or an object `{fromMe, remote, id, _serialized}`. None where it names none."""
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, dict):
        return _from_object(value)
    return None


def message_key(value: Any) -> str | None:
    """The stable part of a message id in upper case, by which echoes and acks are bound; None where there is none."""
    parsed = message_id(value)
    return None if parsed is None else parsed.key


def _with_domain(spelled: str, user: str, domain: str) -> Contact:
    kind = _KIND_OF_DOMAIN.get(domain, ContactKind.OTHER)
    user = user.partition(":")[0]  # a device number: 5547999990001:12@s.whatsapp.net
    if not user or not domain or len(spelled) > _LONGEST_CONTACT or not _ID.fullmatch(spelled):
        raise _not(spelled, "not a contact id")
    if kind is ContactKind.PHONE:
        return Contact(kind, spelled, _without_ninth_digit(user) if user.isdecimal() else user.casefold())
    return Contact(kind, spelled, f"{user.casefold()}@{domain}")


def _digits(spelled: str) -> str:
    if len(spelled) > _LONGEST_CONTACT or not _SPELLED_PHONE.fullmatch(spelled) or _SIGNED.match(spelled):
        raise _not(spelled, "neither a phone number nor a WhatsApp id")
    digits = _NOT_DIGITS.sub("", spelled)
    if not digits:
        raise _not(spelled, "no phone number: it has no digits")
    if len(digits) > _LONGEST_NUMBER:
        raise _not(spelled, f"neither a phone number nor a lid: it has more than {_LONGEST_NUMBER} digits")
    return digits


def _without_ninth_digit(digits: str) -> str:
    """Drop the 9 that Brazilian mobiles got in front: `55 DD 9XXXXXXXX` and `55 DD XXXXXXXX` are one phone."""
    if len(digits) == 13 and digits.startswith(BRAZIL) and digits[4] == "9" and digits[5] in _MOBILE_STARTS:
        return digits[:4] + digits[5:]
    return digits


def _is_brazilian_without_country(digits: str) -> bool:
    """Area codes have no zero. Ten digits: a fixed line or an old mobile; eleven: a mobile, which begins with 9."""
    if len(digits) not in (10, 11) or digits[0] == "0" or digits[1] == "0":
        return False
    return digits[2] == "9" if len(digits) == 11 else digits[2] >= "2"


def _from_text(value: str) -> MessageId | None:
    value = value.strip()
    if not value or len(value) > _LONGEST_ID or (not value.isascii() and len(value.upper()) > _LONGEST_ID):
        return None  # some letters become two in upper case
    if value.startswith(("true_", "false_")):
        sent, _, rest = value.partition("_")
        chat, _, rest = rest.partition("_")
        key, _, participant = rest.partition("_")
        if not chat or not key or "@" in key:
            return None
        return MessageId(key.upper(), value, sent == "true", chat, participant or None)
    if "@" in value:
        return None  # a contact's id: it would stand for every message of the contact
    return MessageId(value.upper(), value)


def _from_object(value: dict[Any, Any]) -> MessageId | None:
    whole = value.get("_serialized")
    parsed = _from_text(whole) if isinstance(whole, str) else None
    part = value.get("id")
    if parsed is None and isinstance(part, str):
        parsed = _from_text(part)
    if parsed is None:
        return None
    sent, chat, participant = value.get("fromMe"), value.get("remote"), value.get("participant")
    return MessageId(
        parsed.key,
        parsed.full,
        sent if isinstance(sent, bool) else parsed.from_me,
        chat if isinstance(chat, str) and chat else parsed.chat,
        participant if isinstance(participant, str) and participant else parsed.participant,
    )


def _not(spelled: str, what: str) -> ValueError:
    """An error that never shows whom it is about: errors are logged and shown."""
    return ValueError(f"an id of {len(spelled)} characters is {what}")
