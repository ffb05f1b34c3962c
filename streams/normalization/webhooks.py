"""The gateway's webhooks to events; technical noise to a word for counting."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.events import Event
from streams import identity, keys
from streams.normalization import dialects, facts, fields, links, noise
from streams.normalization.blobs import Blob
from streams.normalization.decoding import decode_object
from streams.normalization.errors import FieldError, NormalizationError
from streams.normalization.event_in import MAX_KEY
from streams.normalization.fields import Parts
from streams.normalization.inbound import Technical
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord

_LONGEST_TRACE_ID: Final = 128
_LID: Final = re.compile(rb"@lid")  # searches bytes in half the time of `in`; a body may hold a whole file
_MOST_TOLD: Final = 5  # of the things that are wrong with a body, in the message about it


class Normalized(NamedTuple):
    """An event, and the bytes it refers to: they belong into the object store before anybody sees the event."""

    event: Event
    blobs: tuple[Blob, ...] = ()


def normalize(value: bytes | None, raw: RawRecord) -> Sequence[Normalized] | Noise:
    """Turn the body of a webhook into its events, or say that it is noise.

    NormalizationError where the body is no JSON object or names no event, or where one of several things that it says
    makes none; it carries the others. What is understood only in part becomes an event with what is sure; a name that
    is not known becomes `whatsapp.unknown.<name>`.
    """
    try:
        return _read(value or b"", fields.parts(decode_object(value, lone_surrogates=True)), raw)
    except RecursionError:
        raise NormalizationError("too_deep", "the body is nested too deeply") from None


def _read(value: bytes, parts: Parts, raw: RawRecord) -> Sequence[Normalized] | Noise:
    channel_id = fields.channel(parts)
    if kind := noise.kind_of(parts):
        return Noise(kind, _canonical(channel_id))
    named = fields.event_name(parts)
    if not named:
        field = FieldError("event", "is required, as the name of the event")
        raise NormalizationError("invalid_field", str(field), (field,))
    dialect = dialects.of(parts)
    metadata = {"dialect": dialect.NAME, "event": named}
    if emission := _id(parts, "event_id"):
        metadata["gateway_event_id"] = emission
    read = dialect.read(parts)
    found: list[Normalized] = []
    wrong: list[FieldError] = []
    may_link = _LID.search(value) is not None
    for place, (said, of) in enumerate(read):
        if isinstance(said, Technical):
            continue
        spelled = channel_id if of is parts else fields.channel(of)
        channel = _canonical(spelled)
        fact = facts.of(said, channel, facts.Circumstances(of[fields.TOP], fields.time(of), raw, place))
        if len(fact.key) > MAX_KEY:
            problem = f"makes a key of {len(fact.key)} characters, at most {MAX_KEY} are allowed"
            wrong.append(FieldError("message.id", problem))
            continue
        if may_link and (link := links.of(of, said)):
            fact.payload["link"] = link
        about = metadata if spelled is None else {**metadata, "channel_id": spelled}
        found.append(Normalized(_event(fact, channel, about, parts, raw), fact.blobs))
    if wrong:
        raise NormalizationError("invalid_field", "; ".join(map(str, wrong[:_MOST_TOLD])), tuple(wrong), found)
    if not found and isinstance(technical := read[0][0], Technical):
        return Noise(technical.kind, _canonical(channel_id))
    return found


def _canonical(channel_id: str | None) -> str | None:
    return None if channel_id is None else identity.canonical_channel(channel_id)


def _event(fact: facts.Fact, channel: str | None, metadata: dict[str, Any], parts: Parts, raw: RawRecord) -> Event:
    key = fact.key
    correlation_id = _id(parts, "correlation_id")
    received_at = raw.received_at
    occurred_at: datetime = fact.occurred_at or received_at
    return Event(
        event_id=keys.event_id(key),
        idempotency_key=key,
        event_type=fact.event_type,
        source_system=keys.GATEWAY,
        stream_key=keys.stream_key(key),
        fingerprint=keys.fingerprint(fact.says),
        trace_id=raw.caller_trace_id or correlation_id or raw.trace_id,
        occurred_at=occurred_at,
        received_at=received_at,
        raw=raw.coordinates,
        channel=channel,
        contact=fact.contact,
        conversation_id=identity.conversation_id(channel, fact.contact),
        correlation_id=correlation_id,
        external_id=fact.external_id,
        revision=fact.revision,
        payload=fact.payload,
        metadata=metadata,
    )


def _id(parts: Parts, name: str) -> str | None:
    value = parts[fields.TOP].get(name)
    if value and isinstance(value, str) and len(value) <= _LONGEST_TRACE_ID and value.isprintable():
        return value
    return None
