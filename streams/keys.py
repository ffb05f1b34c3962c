"""Keys: what makes two records one fact, where it is processed, and the ids that follow from it."""

import hashlib
import re
from binascii import unhexlify
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from streams import canonical

NAMESPACE: Final = UUID("165748d7-9e4d-5780-a05d-26a3c8c3acfc")
"""UUIDv5 of the DNS name `posto.events`: the namespace of all ids made here."""

GATEWAY: Final = "wpp_gateway"
"""Source system of everything that came through the gateway's webhook."""

MESSAGE: Final = "message"
ACK: Final = "ack"
CONNECTION: Final = "connection"
REACTION: Final = "reaction"
REVOKED: Final = "revoked"
UNKNOWN: Final = "unknown."
"""Prefix of the kind of a gateway event that has no event type of its own."""

KINDS: Final = frozenset({MESSAGE, ACK, CONNECTION, REACTION, REVOKED})
"""What a key of the gateway may tell of."""
_OWN: Final = "key:"
_HASH: Final = "hash:"
_ESCAPED: Final = re.compile(r"%(25|7C|3A|20)")
_CHARACTERS: Final = {"25": "%", "7C": "|", "3A": ":", "20": " "}
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_ID_BYTES: Final = 16
_SHA1: Final = hashlib.sha1(NAMESPACE.bytes, usedforsecurity=False)


def for_event(
    source_system: str,
    event_type: str,
    *,
    external_id: str | None = None,
    occurrence: str | None = None,
    idempotency_key: str | None = None,
    ordering_key: str | None = None,
    content: Any = None,
) -> str:
    """The idempotency key of a producer's event.

    The caller's own `idempotency_key` wins; else `external_id` names the fact; else the hash of `content` does. The
    caller sees to it that `event_type` is not reserved (`is_reserved`).
    """
    source = _escape(source_system)
    if idempotency_key is not None:
        own = f"{source}|{_OWN}{_escape(idempotency_key)}"
        return own if ordering_key is None else f"{own}|{_escape(ordering_key)}"
    name = f"{_HASH}{canonical.digest(content)}" if external_id is None else _escape(external_id)
    key = f"{source}|{name}|{_escape(event_type)}"
    if ordering_key is not None:
        return f"{key}|{_escape(occurrence or '')}|{_escape(ordering_key)}"
    return key if occurrence is None else f"{key}|{_escape(occurrence)}"


def for_gateway(channel: str | None, kind: str, *parts: str) -> str:
    """The idempotency key of an event from the gateway: canonical channel, kind, and what tells two of a kind apart."""
    if len(parts) == 1:
        return f"{_gateway(channel, kind)}|{_escape(parts[0])}"
    return "|".join((_gateway(channel, kind), *map(_escape, parts)))


@lru_cache(maxsize=8192)
def _gateway(channel: str | None, kind: str) -> str:
    return f"{GATEWAY}|{_escape(channel or '')}|{_escape(kind)}"


def is_reserved(source_system: str, event_type: str) -> bool:
    """Whether an event type of a producer would read as one of the gateway's own kinds in a key."""
    return source_system == GATEWAY and _is_kind(event_type)


def stream_key(idempotency_key: str) -> str:
    """The key of the record on our topics, from the idempotency key alone: equal keys meet in one partition.

    The canonical channel for what came from the gateway, the ordering key where one was given, else the key itself.
    """
    parts = idempotency_key.split("|")
    if parts[0] == GATEWAY and len(parts) > 3 and _is_kind(parts[2]):
        chosen = parts[1]
    elif len(parts) > 1 and parts[1].startswith(_OWN):
        chosen = parts[2] if len(parts) > 2 else ""
    else:
        chosen = parts[4] if len(parts) > 4 else ""
    return _unescape(chosen) if chosen else idempotency_key


def event_id(idempotency_key: str) -> str:
    """UUIDv5 of the idempotency key."""
    return _uuid5_text(idempotency_key)


def id_bytes(named: str) -> bytes:
    """The 16 bytes of an id, as the tables keep events and commands; ValueError where it is no UUID."""
    digits = named.replace("-", "")
    if len(digits) != 2 * _ID_BYTES:
        raise ValueError(f"an id of {len(named)} characters is no UUID")
    return unhexlify(digits)


def id_text(packed: bytes) -> str:
    """The id of these 16 bytes."""
    digits = packed.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def hashed(name: str) -> bytes:
    """The 16 bytes of a name's UUIDv5."""
    sha1 = _SHA1.copy()
    sha1.update(name.encode())
    raw = bytearray(sha1.digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x50
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)


def command_id(event_id: str, action: str) -> str:
    """UUIDv5 of event and action: one event makes at most one command of a kind, whatever rule chose it."""
    return _uuid5_text(f"{event_id}|{action}")


def fingerprint(content: Any) -> str:
    """Hash of what an event says, by which a duplicate is told from a conflict: 32 hex digits."""
    return canonical.digest(content)


def _is_kind(name: str) -> bool:
    return name in KINDS or name.startswith(UNKNOWN)


def _escape(part: str) -> str:
    """Percent-escape what would read as structure: `%`, `|`, and the colon of a leading `key:` or `hash:`.

    And a space at the end: MySQL compares texts as if there were none, so that two keys would be one row.
    """
    if "%" not in part and "|" not in part and ":" not in part and not part.endswith(" "):
        return part
    escaped = part.replace("%", "%25").replace("|", "%7C")
    if escaped.endswith(" "):
        escaped = f"{escaped[:-1]}%20"
    return escaped.replace(":", "%3A", 1) if escaped.startswith((_OWN, _HASH)) else escaped


def _unescape(part: str) -> str:
    return _ESCAPED.sub(lambda match: _CHARACTERS[match[1]], part) if "%" in part else part


def _uuid5_text(name: str) -> str:
    """`str(uuid.uuid5(NAMESPACE, name))`, at a third of its cost."""
    sha1 = _SHA1.copy()
    sha1.update(name.encode())
    digits = sha1.hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:32]}"
