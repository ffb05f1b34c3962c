"""Let each event through once, decide what happens to it, and say so."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

import msgspec

from agents import metrics
from schemas import headers
from schemas.events import Decision, Event, Kind
from streams import keys, topics
from streams.contact_links import link_of
from streams.decisions import Configuration
from streams.dedupe import judge
from streams.evidence import evidence_of
from streams.lookups import lookup_of
from streams.media import fetch_of
from streams.quarantine import Held, let_go
from streams.runtime import AgentFunction, Batch, Headers, Record, Shedding
from streams.seen import needed_until, without_commands
from streams.sightings import Said, sight

SOURCES = (topics.EVENT_NORMALIZED,)
OUTPUTS = (
    topics.EVENT_ACCEPTED,
    topics.COMMAND_OUTBOUND,
    topics.COMMAND_HTTP,
    topics.COMMAND_MEDIA,
    topics.DELIVERY_EVIDENCE,
    topics.CONTACT_LINK,
    topics.COMMAND_LOOKUP,
)
SHEDDING = Shedding(topics.EVENT_NORMALIZED, needed_until, without_commands)
"""The table keeps the bytes of commands until the event is committed by which they were decided."""


class _Addressed(msgspec.Struct):
    """What of a command says where it goes."""

    channel: str | None = None
    target: str | None = None


class _Added(msgspec.Struct, omit_defaults=True):
    """What an accepted event says beside the event."""

    kind: Kind
    decision: Decision | None = None


_encode = msgspec.json.Encoder().encode
_decode_event = msgspec.json.Decoder(Event).decode
_decode_addressed = msgspec.json.Decoder(_Addressed).decode


class ConfigurationSource(Protocol):
    """Where the present configuration comes from; raises while it is not complete yet."""

    @property
    def current(self) -> Configuration:
        """The configuration in force."""


class Quarantine(Protocol):
    """Who looks after what is held (`streams.releases.Keepers`)."""

    async def take(self, incoming: Mapping[int, Sequence[Held]]) -> None:
        """Learn of what is being held, by partition."""


class RejectedError(ValueError):
    """Why an event could not be carried out, as it was first decided; said again at a redelivery."""


class TableRows:
    """The table's rows in a record's partition."""

    def __init__(self, batch: Batch, record: Record) -> None:
        self._batch = batch
        self._record = record

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, changes of this batch included."""
        return self._batch.lookup(self._record, key)

    def set(self, key: bytes, value: bytes | None) -> None:
        """Set a key; None deletes it."""
        self._batch.store(self._record, key, value)


def build(source: ConfigurationSource, quarantined: Quarantine, *, keep: timedelta) -> AgentFunction:
    """The agent: takes events, remembers their keys for `keep`, emits what was decided, commands and evidence.

    A released event that nobody can decide is held no more: it would be released again at every start.
    """

    async def router(batch: Batch) -> None:
        configuration = source.current
        counts: defaultdict[Kind, int] = defaultdict(int)
        held: defaultdict[int, list[Held]] = defaultdict(list)
        async for record in batch:
            value = record.value or b""
            try:
                event = _decode_event(value)
            except (ValueError, RecursionError) as error:
                batch.reject(record, error)
                continue
            told = dict(record.headers)
            redrive = told.get(headers.REDRIVE)
            is_released = redrive is None and headers.ORIGIN in told
            rows = TableRows(batch, record)
            try:
                key = keys.id_bytes(event.event_id)
                verdict, seen = judge(rows.get(key), event, keep)
                redriven = None if redrive is None else redrive.decode(errors="replace")
                said = sight(verdict, seen, event, configuration, rows, is_released=is_released, redrive=redriven)
                if said.remembered is not None:
                    rows.set(key, said.remembered.encode(record.offset))
                around = list(record.headers) if redrive is None else _without_redrive(record.headers)
                _emit(batch, record, value, event, said, around)
            except Exception as error:
                if not is_released or len(batch.records) > 1:  # the runtime puts it aside, once it is alone
                    raise
                batch.forget()
                let_go(rows, event.channel or "", event.raw)
                batch.reject(record, error)
                return
            counts[said.kind] += 1
            if said.kind is Kind.QUARANTINED and event.channel:
                held[record.partition].append(Held(event.channel, event.raw if is_released else None))
        if held:
            await quarantined.take(held)
        for kind, count in counts.items():
            metrics.EVENTS.labels(kind).inc(count)

    return router


def _emit(batch: Batch, record: Record, value: bytes, event: Event, said: Said, around: Headers) -> None:
    """Write what was said, and what follows from it, with the headers of the record that tells the event.

    The chain has one count of partitions: an event stays in its own, and no key need be hashed to find it.
    """
    accepted = _accepted(value, said.kind, said.decision)
    batch.emit(topics.EVENT_ACCEPTED, record.key, accepted, around, partition=record.partition)
    if said.is_told and said.kind is Kind.REJECTED:
        batch.reject(record, RejectedError(said.decision.reason if said.decision else ""))
        return
    if said.is_told:
        for command in said.commands:
            to = _decode_addressed(command)
            if to.target is not None:
                batch.emit(topics.COMMAND_HTTP, to.target.encode(), command, around)
            else:
                batch.emit(topics.COMMAND_OUTBOUND, (to.channel or "").encode(), command, around)
    if event.source_system == keys.GATEWAY:
        _emit_witnessed(batch, event, said, around)


def _emit_witnessed(batch: Batch, event: Event, said: Said, around: Headers) -> None:
    """Write what follows from an event itself: nobody but the gateway is a witness."""
    if said.proves_for is not None:
        _emit_link(batch, event, said.proves_for, around)
    if not said.is_told:
        return
    if fetch := fetch_of(event):
        batch.emit(topics.COMMAND_MEDIA, fetch.channel.encode(), _encode(fetch), around)
    tenant_id = said.decision.tenant_id if said.decision else None
    _emit_link(batch, event, tenant_id, around)
    if wanted := lookup_of(event, tenant_id):
        batch.emit(topics.COMMAND_LOOKUP, wanted.channel.encode(), _encode(wanted), around)
    evidence = evidence_of(event)
    if evidence is None:
        return
    if evidence.channel:
        batch.emit(topics.DELIVERY_EVIDENCE, evidence.channel.encode(), _encode(evidence), around)
    else:
        batch.emit_everywhere(topics.DELIVERY_EVIDENCE, None, _encode(evidence), around)


def _emit_link(batch: Batch, event: Event, tenant_id: int | None, around: Headers) -> None:
    """Say which lid is which phone, where the event proves it."""
    if link := link_of(event, tenant_id):
        batch.emit(topics.CONTACT_LINK, link.lid.encode(), _encode(link), around)


def _without_redrive(told: Sequence[tuple[str, bytes]]) -> Headers:
    """A record's headers for what follows from it: which redrive it was says its own record alone."""
    return [(name, text) for name, text in told if name != headers.REDRIVE]


def _accepted(value: bytes, kind: Kind, decision: Decision | None) -> bytes:
    """The AcceptedEvent: the event's own bytes with what was decided put at their end (cheaper than encoding anew)."""
    body = value.rstrip()[:-1]
    added = _encode(_Added(kind, decision))
    return b"%b,%b" % (body, added[1:])
