"""How deliveries look to people: lists, and one with all its facts; phones and texts only where they are asked for."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from infra.deliveries import KnownDelivery, ListedDelivery, RecordedFact
from infra.logging import mask_phones
from schemas.deliveries import OperatorDecision

HIDDEN: Final = "(hidden; --show-personal shows it)"

_COMMANDS: Final = {
    OperatorDecision.SENT: "settle {} sent",
    OperatorDecision.NOT_SENT: "settle {} not-sent",
    OperatorDecision.RESEND: "resend {}",
    OperatorDecision.CANCEL: "cancel {}",
}


def discreet(one: ListedDelivery) -> ListedDelivery:
    """The same with phones masked."""
    return msgspec.structs.replace(
        one,
        channel=mask_phones(one.channel),
        recipient=one.recipient and mask_phones(one.recipient),
        last_error=one.last_error and mask_phones(one.last_error),
    )


def discreet_whole(known: KnownDelivery) -> KnownDelivery:
    """The same with phones masked and the text left out."""
    facts = [
        RecordedFact(
            msgspec.structs.replace(
                recorded.fact,
                channel=mask_phones(recorded.fact.channel),
                message=recorded.fact.message and mask_phones(recorded.fact.message),
                provider_message_id=recorded.fact.provider_message_id
                and mask_phones(recorded.fact.provider_message_id),
            ),
            recorded.record,
        )
        for recorded in known.facts
    ]
    return KnownDelivery(
        about=discreet(known.about),
        text=HIDDEN if known.text else known.text,
        provider_message_id=known.provider_message_id and mask_phones(known.provider_message_id),
        facts=facts,
    )


def lines(deliveries: Iterable[ListedDelivery]) -> Iterator[str]:
    """A line each."""
    yield f"{'command':<36}  {'status':<10} {'tries':>5}  {'changed (UTC)':<19}  {'channel':<20} {'to':<22} why"
    for one in deliveries:
        yield (
            f"{one.command_id:<36}  {one.status:<10} {one.attempts:>5}  {_when(one.updated_at)}  {one.channel:<20} "
            f"{one.recipient or '':<22} {one.last_error or ''}"
        ).rstrip()


def doubtful(deliveries: Iterable[ListedDelivery], now: datetime) -> Iterator[str]:
    """A line each for what is in doubt: for how long, and who decides it."""
    yield f"{'command':<36}  {'in doubt for':<12}  {'tries':>5}  {'policy':<13}  {'channel':<20} {'to':<22} why"
    for one in deliveries:
        since = _span((now - one.doubtful_since).total_seconds()) if one.doubtful_since else ""
        yield (
            f"{one.command_id:<36}  {since:<12}  {one.attempts:>5}  {one.policy or '':<13}  {one.channel:<20} "
            f"{one.recipient or '':<22} {one.last_error or ''}"
        ).rstrip()


def whole(known: KnownDelivery, now: datetime) -> Iterator[str]:
    """One delivery with all its facts, and what may be decided about it."""
    about = known.about
    yield f"command  {about.command_id}  {about.status}"
    yield f"event    {about.event_id}  {about.event_type or ''}".rstrip()
    yield f"trace    {about.trace_id}"
    to = f" to {about.recipient}" if about.recipient else ""
    yield f"message  by {about.channel} of tenant {about.tenant_id}{to}"
    yield from (f"  {line}".rstrip() for line in (known.text or "").splitlines())
    if about.expires_at:
        yield f"expires  {_when(about.expires_at)} UTC"
    for recorded in known.facts:
        yield f"  {_when(recorded.fact.at)}  {_fact(recorded)}"
    yield from _open(about.command_id, known.open_to(now))


def _fact(recorded: RecordedFact) -> str:
    fact = recorded.fact
    words = [fact.fact, fact.ack, fact.decision, f"({fact.attempt})" if fact.attempt else None]
    details = [
        f"by {fact.by}" if fact.by else None,
        f"http {fact.http_status}" if fact.http_status else None,
        fact.reason,
        fact.message,
        f"again at {_when(fact.retry_at)}" if fact.retry_at else None,
        f"from {fact.evidence}" if fact.evidence else None,
    ]
    said = " ".join(filter(None, words))
    return f"{said:<24}  {recorded.record}  {', '.join(filter(None, details))}".rstrip()


def _open(command_id: str, decisions: Sequence[OperatorDecision]) -> Iterator[str]:
    if decisions:
        yield "to be decided by:"
    for decision in decisions:
        yield f"  posto deliveries {_COMMANDS[decision].format(command_id)}"


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _span(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3_600
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    if hours >= 2:
        return f"{hours:.0f} h"
    return f"{minutes:.0f} min" if minutes >= 2 else f"{seconds:.0f} s"
