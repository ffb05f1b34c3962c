"""The gateway's list and ours are compared by canonical channel, spelling and state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.channel_differences import Difference, DifferenceKind, GatewayChannel, OurChannel, differences


def ours(channel_id: str, state: str | None = None) -> OurChannel:
    return OurChannel(channel_id=channel_id, tenant_id=7, state=state)


def theirs(channel_id: str, status: str | None = "connected") -> GatewayChannel:
    return GatewayChannel(channel_id=channel_id, status=status)


def test_the_same_channels_in_the_same_state_differ_in_nothing() -> None:
    here = [ours("Canal Um", "connected"), ours("canaldois"), ours("c", "qr_required")]
    there = [theirs("canaldois", "initializing"), theirs("Canal Um", "inChat"), theirs("c", "notLogged")]
    assert differences(here, there) == []


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ([ours("Canal Um")], [], (DifferenceKind.UNKNOWN_THERE, "canalum", "Canal Um", None, 7)),
        ([], [theirs("Canal Um")], (DifferenceKind.UNKNOWN_HERE, "canalum", None, "Canal Um", None)),
        ([ours("canalum")], [theirs("Canal Um")], (DifferenceKind.SPELLING, "canalum", "canalum", "Canal Um", 7)),
        (
            [ours("a", "connected")],
            [theirs("a", "disconnected")],
            (DifferenceKind.STATE, "a", "connected", "disconnected", 7),
        ),
        ([ours("a", "connected")], [theirs("a", None)], (DifferenceKind.STATE, "a", "connected", "unknown", 7)),
    ],
)
def test_each_way_to_differ_has_its_kind(
    here: list[OurChannel], there: list[GatewayChannel], expected: tuple[object, ...]
) -> None:
    (found,) = differences(here, there)
    assert (found.kind, found.channel, found.here, found.there, found.tenant_id) == expected


def test_a_namesake_of_the_exact_spelling_is_no_difference() -> None:
    assert differences([ours("Canal Um")], [theirs("canalum"), theirs("Canal Um")]) == []


_ids = st.sampled_from(["Canal Um", "canalum", "CANAL UM", "dois", "Dois", "três"])


@given(
    st.lists(st.builds(ours, _ids), unique_by=lambda own: own.channel_id.casefold().replace(" ", "")), st.lists(_ids)
)
def test_the_order_of_the_lists_says_nothing(here: list[OurChannel], there: list[str]) -> None:
    listed = [theirs(channel) for channel in dict.fromkeys(there)]
    found: list[Difference] = differences(here, listed)
    assert differences(here[::-1], listed[::-1]) == found
    named = {each.channel for each in found}
    assert named <= {"canalum", "dois", "três"}
