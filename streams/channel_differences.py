"""What the gateway's list of channels and ours say differently."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from streams.channel_setup import state_of
from streams.identity import canonical_channel


class DifferenceKind(StrEnum):
    """In what they differ."""

    UNKNOWN_THERE = "unknown_there"
    """A tenant has it, and the gateway does not know it: nothing can be sent by it."""
    UNKNOWN_HERE = "unknown_here"
    """The gateway has it, and no tenant does: what comes from it stays in quarantine."""
    SPELLING = "spelling"
    """Both have it, and spell it differently: the gateway knows its own spelling alone."""
    STATE = "state"
    """The gateway says another state than its last webhook did: webhooks of it do not arrive."""


class OurChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A row: `channel_id` as it is spelled in it; `state` is what a webhook told last, in our words."""

    channel_id: str
    tenant_id: int
    state: str | None = None


class GatewayChannel(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the gateway's list, with its word for the state."""

    channel_id: str
    status: str | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One channel that is not the same in both lists; `here` and `there` say how each has it, None where it has not."""

    kind: DifferenceKind
    channel: str
    here: str | None
    there: str | None
    tenant_id: int | None = None


def differences(ours: Sequence[OurChannel], theirs: Iterable[GatewayChannel]) -> list[Difference]:
    """All differences, by channel; one whose spelling differs is not looked at any closer."""
    at_gateway: dict[str, list[GatewayChannel]] = {}
    for each in theirs:
        at_gateway.setdefault(canonical_channel(each.channel_id), []).append(each)
    owned = {canonical_channel(own.channel_id) for own in ours}
    strangers = (each for canonical in at_gateway.keys() - owned for each in at_gateway[canonical])
    found = [difference for own in ours for difference in _of(own, at_gateway)]
    found.extend(
        Difference(
            kind=DifferenceKind.UNKNOWN_HERE,
            channel=canonical_channel(stranger.channel_id),
            here=None,
            there=stranger.channel_id,
        )
        for stranger in strangers
    )
    return sorted(found, key=lambda each: (each.channel, each.kind, each.there or ""))


def _of(own: OurChannel, at_gateway: dict[str, list[GatewayChannel]]) -> Iterator[Difference]:
    canonical = canonical_channel(own.channel_id)
    namesakes = at_gateway.get(canonical, [])
    exact = next((each for each in namesakes if each.channel_id == own.channel_id), None)
    if exact is None:
        kind = DifferenceKind.SPELLING if namesakes else DifferenceKind.UNKNOWN_THERE
        spellings: list[str | None] = [each.channel_id for each in namesakes]
        for there in spellings or [None]:
            yield Difference(kind=kind, channel=canonical, here=own.channel_id, there=there, tenant_id=own.tenant_id)
    elif own.state is not None and state_of(own.state) != state_of(exact.status):
        yield Difference(
            kind=DifferenceKind.STATE,
            channel=canonical,
            here=own.state,
            there=state_of(exact.status),
            tenant_id=own.tenant_id,
        )


__all__ = ["Difference", "DifferenceKind", "GatewayChannel", "OurChannel", "differences"]
