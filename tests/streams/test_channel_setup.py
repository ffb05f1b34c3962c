"""From what is known of a channel follows the step that comes next, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.channel_setup import Known, Step, next_step, state_of

ACKED = datetime(2026, 1, 15, tzinfo=UTC)
WORKING = Known(gateway_state="connected", is_registered=True, webhook_configured=True, last_ack_at=ACKED)


@pytest.mark.parametrize(
    ("changed", "step"),
    [
        ({}, Step.DONE),
        ({"last_ack_at": None}, Step.TEST),
        ({"webhook_set_at": ACKED - timedelta(days=1)}, Step.DONE),
        ({"webhook_set_at": ACKED + timedelta(seconds=2)}, Step.DONE),  # the gateway's clock is late
        ({"webhook_set_at": ACKED + timedelta(minutes=1)}, Step.TEST),  # an ack by the webhook before
        ({"webhook_configured": False}, Step.WEBHOOK),
        ({"gateway_state": "qr_required"}, Step.SCAN),
        ({"gateway_state": "notLogged"}, Step.SCAN),
        ({"gateway_state": "disconnected"}, Step.START),
        ({"gateway_state": "initializing"}, Step.WAIT),
        ({"gateway_state": "a word never seen"}, Step.WAIT),
        ({"is_enabled": False}, Step.ENABLE),
        ({"is_registered": False}, Step.REGISTER),
        ({"gateway_state": None}, Step.CREATE),
    ],
)
def test_each_gap_has_its_step(changed: dict[str, object], step: Step) -> None:
    assert next_step(replace(WORKING, **changed)) is step


_ORDER: list[dict[str, Any]] = [
    {"gateway_state": None},
    {"is_registered": False},
    {"is_enabled": False},
    {"gateway_state": "qr_required"},
    {"webhook_configured": False},
    {"last_ack_at": None},
]


def test_steps_come_in_the_order_in_which_one_needs_the_other() -> None:
    for later, gap in enumerate(_ORDER):
        wanted = next_step(replace(WORKING, **gap))
        for other in _ORDER[later + 1 :]:
            assert next_step(replace(WORKING, **{**other, **gap})) is wanted


def done(known: Known, step: Step) -> Known:
    """What is known once a step was taken, as the gateway, the row and the phone would have it."""
    match step:
        case Step.CREATE | Step.START:
            return replace(known, gateway_state="qr_required")
        case Step.REGISTER:
            return replace(known, is_registered=True)
        case Step.ENABLE:
            return replace(known, is_enabled=True)
        case Step.WAIT | Step.SCAN:
            return replace(known, gateway_state="connected")
        case Step.WEBHOOK:
            return replace(known, webhook_configured=True)
        case _:
            return replace(known, last_ack_at=ACKED)


_known = st.builds(
    Known,
    gateway_state=st.none() | st.sampled_from(["connected", "open", "disconnected", "qr_required", "initializing"]),
    is_registered=st.booleans(),
    is_enabled=st.booleans(),
    webhook_configured=st.booleans(),
    last_ack_at=st.none() | st.just(ACKED),
)


@given(_known)
def test_from_everywhere_the_steps_lead_to_a_channel_that_works_and_none_comes_twice(known: Known) -> None:
    taken: list[Step] = []
    while (step := next_step(known)) is not Step.DONE:
        taken.append(step)
        known = done(known, step)
    assert len(taken) == len(set(taken)) <= 7


@given(_known)
def test_to_take_a_step_again_changes_nothing(known: Known) -> None:
    step = next_step(known)
    once = done(known, step)
    assert done(once, step) == once


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("CONNECTED", "connected"),
        (" inChat ", "connected"),
        ("qrReadError", "disconnected"),
        ("x-connected", "x-connected"),
        (None, "unknown"),
    ],
)
def test_the_gateways_words_are_read_whole(word: str | None, state: str) -> None:
    assert state_of(word) == state
