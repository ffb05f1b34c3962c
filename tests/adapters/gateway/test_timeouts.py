"""How long each call may take."""

import pytest

from adapters.gateway.connections import KEEPALIVE_SECONDS
from adapters.gateway.timeouts import Call, Timeouts


def test_the_timeouts_are_those_that_proved_right() -> None:
    assert Timeouts().of(Call.SEND_TEXT).as_dict() == {"connect": 10.0, "read": 30.0, "write": 30.0, "pool": 10.0}
    assert Timeouts().of(Call.LIST_CHANNELS).read == 60.0


@pytest.mark.parametrize("call", list(Call))
def test_the_deadline_cannot_strike_before_the_request_has_left(call: Call) -> None:
    timeouts = Timeouts()
    assert timeouts.deadline(call) > timeouts.connect + timeouts.pool


def test_an_idle_connection_is_left_before_the_gateway_closes_it() -> None:
    assert KEEPALIVE_SECONDS < 5.0


def test_only_a_send_is_a_send() -> None:
    assert [call for call in Call if call.is_send] == [Call.SEND_TEXT]
