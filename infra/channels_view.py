"""How tenants and channels are shown in a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from adapters.mysql.channels import ChannelRow, TenantRow
from infra.channels.setup import Standing
from infra.logging import mask_phones
from infra.quarantine import HeldChannel
from streams.channel_differences import Difference, DifferenceKind
from streams.channel_setup import Step

WHAT_TO_DO: Final = {
    Step.CREATE: "the gateway does not know it: `posto channels connect {tenant}` makes it there",
    Step.REGISTER: "it belongs to no tenant: `posto channels connect` gives it to one",
    Step.ENABLE: "it is disabled: `posto channels enable {channel}`, or `posto tenants enable {tenant}`",
    Step.START: "it is disconnected: `posto channels reconnect {channel}` starts it and shows its QR code",
    Step.WAIT: "its session is starting: look again in a moment",
    Step.SCAN: "its phone must scan a QR code: `posto channels connect {tenant}` shows it",
    Step.WEBHOOK: "the gateway was not told where its webhooks go: `posto channels webhook {channel}`",
    Step.TEST: "no ack came in since its webhook was set: `posto channels test {channel} --to PHONE` sends a message",
    Step.DONE: "nothing: it works",
}
"""What a person does about each step."""

_DIFFERENCES: Final = {
    DifferenceKind.UNKNOWN_THERE: "tenant {tenant} has {here!r}, the gateway not: `posto channels connect {tenant}`",
    DifferenceKind.UNKNOWN_HERE: "the gateway has {there!r}, no tenant has: `posto channels connect TENANT --channel`",
    DifferenceKind.SPELLING: "tenant {tenant} has {here!r}, the gateway spells it {there!r}: correct channel_id",
    DifferenceKind.STATE: "the last webhook said {here}, the gateway says {there}: `posto channels webhook {channel}`",
}


def told(step: Step, row: ChannelRow) -> str:
    """What is to be done next about a channel."""
    return WHAT_TO_DO[step].format(channel=f'"{row.channel_id}"', tenant=row.tenant_id)


def tenants(rows: Sequence[TenantRow]) -> Iterator[str]:
    """A line for each tenant."""
    yield f"{'id':>6}  {'name':<32} {'channel':<24} {'time zone':<24} state"
    for row in rows:
        state = "enabled" if row.is_enabled else "disabled"
        yield f"{row.id:>6}  {row.name:<32} {row.channel_id or '-':<24} {row.time_zone:<24} {state}"


def channels(rows: Sequence[ChannelRow]) -> Iterator[str]:
    """A line for each channel."""
    yield f"{'channel':<24} {'tenant':<32} {'state told last':<16} {'webhook':<8} {'last heard (UTC)':<19}  enabled"
    for row in rows:
        owner = f"{row.tenant_id} {row.tenant_name}"
        webhook = "set" if row.webhook_configured else "not set"
        enabled = "yes" if row.is_enabled and row.tenant_is_enabled else "no"
        heard = _time(heard_at(row))
        yield f"{row.channel_id:<24} {owner:<32} {row.state or '-':<16} {webhook:<8} {heard:<19}  {enabled}"


def standing(found: Standing) -> Iterator[str]:
    """All that is known of one channel, and what to do next."""
    row = found.row
    yield f"channel          {row.channel_id}" + (f" ({row.display_name})" if row.display_name else "")
    yield f"tenant           {row.tenant_id} {row.tenant_name}{'' if row.tenant_is_enabled else ' (disabled)'}"
    yield f"enabled          {'yes' if row.is_enabled else 'no'}"
    yield f"at the gateway   {found.gateway_state or 'not known there'}"
    yield f"told by webhook  {row.state or '-'}, {_time(row.state_at)}"
    yield f"webhook          {_webhook(row)}"
    yield f"last inbound     {_time(row.last_inbound_at)}"
    yield f"last own         {_time(row.last_outbound_at)}"
    yield f"last ack         {_time(row.last_ack_at)}"
    yield f"to do            {told(found.next_step, row)}"


def differences(found: Iterable[Difference]) -> Iterator[str]:
    """A line for each difference, with what to do."""
    for each in found:
        said = _DIFFERENCES[each.kind].format(
            channel=f'"{each.channel}"', tenant=each.tenant_id, here=each.here, there=each.there
        )
        yield f"{each.channel:<24} {each.kind:<14} {said}"


def quarantined(held: Sequence[HeldChannel]) -> Iterator[str]:
    """A line for each channel that events wait for."""
    if not held:
        yield "Nothing is in quarantine: every event's channel belongs to a tenant."
        return
    yield f"{'channel':<24} {'events':>7}  {'since (UTC)':<19}  {'last (UTC)':<19}  types"
    for one in held:
        types = ", ".join(f"{name} {count}" for name, count in one.event_types.items())
        note = "  registered: being released" if one.is_registered else ""
        since, last = _time(one.first_received_at), _time(one.last_received_at)
        yield f"{mask_phones(one.channel):<24} {one.events:>7}  {since}  {last}  {types}{note}"


def heard_at(row: ChannelRow) -> datetime | None:
    """When the gateway last said something of the channel by a webhook."""
    times = (row.state_at, row.last_inbound_at, row.last_outbound_at, row.last_ack_at)
    return max((at for at in times if at is not None), default=None)


def _webhook(row: ChannelRow) -> str:
    if not row.webhook_configured:
        return "not set"
    return f"set and probed, {_time(row.webhook_set_at)}" if row.webhook_set_at else "set"


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else "-"
