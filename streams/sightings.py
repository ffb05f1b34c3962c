"""What the router says about one record of an event: what was decided, now or before, and what is remembered of it."""

from typing import Final

import msgspec

from schemas.events import Decision, Event, Kind
from streams import quarantine
from streams.decisions import Configuration, Outcome, decide, shell
from streams.dedupe import Verdict, corrected
from streams.quarantine import Rows
from streams.revisions import SHELL
from streams.seen import Seen, Update

_UNDECIDED: Final = frozenset({Kind.REJECTED, Kind.QUARANTINED})
_encode: Final = msgspec.json.Encoder().encode


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What is written about a record.

    `kind` and `decision` go to event.accepted; a conflict has no decision, a duplicate that of what is held.
    `commands` are encoded.
    `is_told` where what follows from the event's own content (evidence and the like) follows from this record. A
    duplicate says in `proves_for` whose event it repeats: its body may tell a link that the first one did not.
    `remembered` is the table's new entry, None where it stays as it is.
    """

    kind: Kind
    decision: Decision | None = None
    commands: tuple[bytes, ...] = ()
    is_told: bool = False
    proves_for: int | None = None
    remembered: Seen | None = None


def sight(
    verdict: Verdict,
    seen: Seen | None,
    event: Event,
    configuration: Configuration,
    rows: Rows,
    *,
    is_released: bool = False,
    redrive: str | None = None,
) -> Said:
    """Say what becomes of an event, given the verdict and the table's entry; what is held changes in `rows`.

    The first revision that can be decided is; a later one adds to what is known, and makes no command. A record that
    `is_released` from quarantine is decided where it was held, even behind others, and is held no more, whatever is
    said of it. One that was redriven (`redrive` names the round of its dead letter) is decided where it was rejected or
    is held, once; where it was routed otherwise, it is a duplicate.
    """
    said = _say(verdict, seen, event, configuration, rows, is_released=is_released, redrive=redrive)
    if is_released and said.kind is not Kind.QUARANTINED:
        quarantine.let_go(rows, event.channel or "", event.raw)
    return said


def _say(
    verdict: Verdict,
    seen: Seen | None,
    event: Event,
    configuration: Configuration,
    rows: Rows,
    *,
    is_released: bool,
    redrive: str | None,
) -> Said:
    if seen is None or verdict is Verdict.CORRECTED:
        return _first(event, _decide(event, configuration, rows, is_released=is_released), seen, redrive)
    match verdict:
        case Verdict.UPGRADE if seen.is_open:
            return _upgraded(seen, event, _decide(event, configuration, rows, is_released=is_released), redrive)
        case Verdict.UPGRADE:
            update = Update(event.raw, event.revision, is_routed=False, redrive=redrive)
            remembered = msgspec.structs.replace(seen, revision=event.revision, updates=(*seen.updates, update))
            return Said(kind=_kind_of_update(seen), decision=seen.decision, remembered=remembered)
        case Verdict.REDELIVERY if is_released and seen.kind is Kind.QUARANTINED:
            return _released(seen, event, _decide(event, configuration, rows, is_released=True), None)
        case Verdict.REDELIVERY if redrive and seen.kind in _UNDECIDED:
            return _released(seen, event, _decide(event, configuration, rows, is_released=False), redrive)
        case Verdict.REDELIVERY if redrive and seen.redrive_of(event) != redrive:
            return Said(kind=Kind.DUPLICATE, proves_for=seen.decision.tenant_id)
        case Verdict.REDELIVERY:
            return _repeated(seen, event)
        case Verdict.SUPERSEDED if not redrive and (rejected := seen.rejection(event)) and rejected.decision:
            return Said(kind=Kind.REJECTED, decision=rejected.decision, is_told=True)
        case Verdict.CONFLICT:
            return Said(kind=Kind.CONFLICT)
        case _ if seen.kind is Kind.QUARANTINED:
            return Said(kind=Kind.DUPLICATE, decision=seen.decision)
        case _:
            return Said(kind=Kind.DUPLICATE, proves_for=seen.decision.tenant_id)


def _decide(event: Event, configuration: Configuration, rows: Rows, *, is_released: bool) -> Outcome:
    channel = event.channel or ""
    must_wait = channel != "" and not is_released and quarantine.is_holding(rows, channel)
    outcome = decide(event, configuration, must_wait=must_wait)
    if outcome.kind is Kind.QUARANTINED and not is_released:
        quarantine.hold(rows, channel, event.raw)
    return outcome


def _first(event: Event, outcome: Outcome, corrects: Seen | None, redrive: str | None) -> Said:
    remembered = Seen(
        raw=event.raw,
        fingerprint=event.fingerprint,
        revision=event.revision,
        kind=outcome.kind,
        received_at=event.received_at.timestamp(),
        decision=outcome.decision,
        commands=_commands(outcome),
        corrects=corrected(corrects) if corrects else None,
        redrive=redrive,
    )
    return _said(outcome, outcome.kind, remembered)


def _upgraded(seen: Seen, event: Event, outcome: Outcome, redrive: str | None) -> Said:
    update = Update(event.raw, event.revision, is_routed=outcome.kind is not Kind.QUARANTINED, redrive=redrive)
    remembered = msgspec.structs.replace(
        seen,
        fingerprint=event.fingerprint,
        revision=event.revision,
        kind=outcome.kind,
        decision=outcome.decision,
        commands=_commands(outcome),
        updates=(*seen.updates, update),
    )
    return _said(outcome, _kind_of_update(remembered), remembered)


def _released(seen: Seen, event: Event, outcome: Outcome, redrive: str | None) -> Said:
    """Decide what was held, or rejected and redriven. A shell leaves the entry to the update that is held behind it."""
    if outcome.kind is Kind.QUARANTINED:
        held = msgspec.structs.replace(seen, kind=outcome.kind, decision=outcome.decision)
        return Said(kind=outcome.kind, decision=outcome.decision, remembered=None if held.kind is seen.kind else held)
    if event.revision == SHELL and seen.updates:
        return _said(outcome, outcome.kind, None)
    update = seen.update(event)
    remembered = msgspec.structs.replace(
        seen,
        kind=outcome.kind,
        decision=outcome.decision,
        commands=_commands(outcome),
        updates=tuple(
            msgspec.structs.replace(one, is_routed=True, redrive=redrive) if one is update else one
            for one in seen.updates
        ),
        redrive=seen.redrive if update else redrive,
    )
    return _said(outcome, _kind_of_update(remembered) if update else outcome.kind, remembered)


def _repeated(seen: Seen, event: Event) -> Said:
    """Say again what was said: from the table's entry alone, so that a redelivery writes the same bytes."""
    if seen.kind is Kind.QUARANTINED:
        return Said(kind=seen.kind, decision=seen.decision)
    if event.revision == SHELL:
        return Said(kind=Kind.ACCEPTED, decision=shell(seen.decision.tenant_id, event.channel), is_told=True)
    update = seen.update(event)
    is_routed = update.is_routed if update else not any(one.is_routed for one in seen.updates)
    return Said(
        kind=_kind_of_update(seen) if update else seen.kind,
        decision=seen.decision,
        commands=seen.commands if is_routed else (),
        is_told=is_routed,
    )


def _said(outcome: Outcome, kind: Kind, remembered: Seen | None) -> Said:
    return Said(
        kind=kind,
        decision=outcome.decision,
        commands=remembered.commands if remembered else (),
        is_told=outcome.kind is not Kind.QUARANTINED,
        remembered=remembered,
    )


def _kind_of_update(seen: Seen) -> Kind:
    return Kind.UPDATED if seen.kind is Kind.ACCEPTED else seen.kind


def _commands(outcome: Outcome) -> tuple[bytes, ...]:
    return tuple(_encode(command) for command in (outcome.command, outcome.post) if command)
