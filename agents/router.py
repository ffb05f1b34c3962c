"""Let each event through once, decide what happens to it, and say so."""

from datetime import timedelta
from typing import Protocol

import msgspec

from agents import metrics
from schemas import headers
from schemas.commands import Command
from schemas.events import Coordinates, Decision, Event, Kind
from streams import keys, topics
from streams.contact_links import link_of
from streams.decisions import Configuration, Outcome, decide
from streams.dedupe import Seen, Verdict, judge
from streams.envelope import headers_for
from streams.evidence import evidence_of
from streams.lookups import lookup_of
from streams.media import fetch_of
from streams.runtime import AgentFunction, Batch, Headers, Record
from streams.runtime.dead_letters import header

SOURCES = (topics.EVENT_NORMALIZED,)
OUTPUTS = (
    topics.EVENT_ACCEPTED,
    topics.COMMAND_OUTBOUND,
    topics.COMMAND_MEDIA,
    topics.DELIVERY_EVIDENCE,
    topics.CONTACT_LINK,
    topics.COMMAND_LOOKUP,
)

_encode = msgspec.json.Encoder().encode
_decode_event = msgspec.json.Decoder(Event).decode
_decode_command = msgspec.json.Decoder(Command).decode


class ConfigurationSource(Protocol):
    """Where the present configuration comes from; raises while it is not complete yet."""

    @property
    def current(self) -> Configuration:
        """The configuration in force."""


class RejectedError(ValueError):
    """Why an event could not be carried out, as it was first decided; said again at a redelivery."""


def build(source: ConfigurationSource, *, keep: timedelta) -> AgentFunction:
    """The agent: takes events, remembers their keys for `keep`, emits what was decided, commands and evidence."""

    async def router(batch: Batch) -> None:
        configuration = source.current
        for record in batch.records:
            value = record.value or b""
            try:
                event = _decode_event(value)
            except (ValueError, RecursionError) as error:
                batch.reject(record, error)
                continue
            key = keys.seen_key(event.idempotency_key)
            verdict, seen = judge(batch.lookup(record, key), event, keep)
            if verdict in (Verdict.FIRST, Verdict.CORRECTED):
                outcome = decide(event, configuration)
                seen = _remembered(event, outcome, corrects=seen.raw if seen else None)
                batch.store(record, key, seen.encode())
            _emit(batch, record, value, event, verdict, seen)

    return router


def _remembered(event: Event, outcome: Outcome, corrects: Coordinates | None) -> Seen:
    return Seen(
        raw=event.raw,
        fingerprint=event.fingerprint,
        revision=event.revision,
        kind=outcome.kind,
        received_at=event.received_at.timestamp(),
        decision=outcome.decision,
        commands=(_encode(outcome.command),) if outcome.command else (),
        corrects=corrects,
    )


def _emit(batch: Batch, record: Record, value: bytes, event: Event, verdict: Verdict, seen: Seen | None) -> None:
    """Say what was decided: from the table's entry alone, so that a redelivery writes the same bytes."""
    said = _headers(record, event)
    if seen is None or verdict in (Verdict.DUPLICATE, Verdict.CONFLICT):
        kind = Kind.CONFLICT if verdict is Verdict.CONFLICT else Kind.DUPLICATE
        batch.emit(topics.EVENT_ACCEPTED, record.key, _accepted(value, kind, None), said)
        metrics.EVENTS.labels(kind).inc()
        return
    batch.emit(topics.EVENT_ACCEPTED, record.key, _accepted(value, seen.kind, seen.decision), said)
    metrics.EVENTS.labels(seen.kind).inc()
    if seen.kind is Kind.REJECTED:
        batch.reject(record, RejectedError(seen.decision.reason))
    if seen.kind is not Kind.ACCEPTED:
        return
    for command in seen.commands:
        batch.emit(topics.COMMAND_OUTBOUND, _decode_command(command).channel.encode(), command, said)
    if fetch := fetch_of(event):
        batch.emit(topics.COMMAND_MEDIA, fetch.channel.encode(), _encode(fetch), said)
    _emit_contacts(batch, event, seen.decision.tenant_id, said)
    evidence = evidence_of(event)
    if evidence is None:
        return
    if evidence.channel:
        batch.emit(topics.DELIVERY_EVIDENCE, evidence.channel.encode(), _encode(evidence), said)
    else:
        batch.emit_everywhere(topics.DELIVERY_EVIDENCE, None, _encode(evidence), said)


def _emit_contacts(batch: Batch, event: Event, tenant_id: int | None, said: Headers) -> None:
    """Say which lid is which phone where the event proves it, and ask for the phone where it names a lid alone."""
    if link := link_of(event, tenant_id):
        batch.emit(topics.CONTACT_LINK, link.lid.encode(), _encode(link), said)
    if wanted := lookup_of(event, tenant_id):
        batch.emit(topics.COMMAND_LOOKUP, wanted.channel.encode(), _encode(wanted), said)


def _accepted(value: bytes, kind: Kind, decision: Decision | None) -> bytes:
    """The AcceptedEvent: the event's own bytes with what was decided put at their end (cheaper than encoding anew)."""
    body = value.rstrip()[:-1]
    added = _encode({"kind": kind, "decision": decision} if decision else {"kind": kind})
    return b"%b,%b" % (body, added[1:])


def _headers(record: Record, event: Event) -> Headers:
    return headers_for(
        id=event.event_id,
        type=event.event_type,
        source=event.source_system,
        time=event.occurred_at,
        trace_id=event.trace_id,
        tenant_id=event.tenant_id,
        replay=header(record.headers, headers.REPLAY),
    )
