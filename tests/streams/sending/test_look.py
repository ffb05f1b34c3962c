import msgspec
import pytest

from schemas.configuration import Channel
from streams.sending.inputs import Late, Withheld
from streams.sending.look import look
from tests.streams.sending.world import CHANNEL, START, command, seconds

TENANT = CHANNEL.tenant
replace = msgspec.structs.replace


def test_a_command_goes_out_by_its_channel_as_the_gateway_spells_it() -> None:
    found = look(command(), 1, CHANNEL, START)
    assert isinstance(found, Channel)
    assert found.channel_id == "Canal Um"


@pytest.mark.parametrize(
    ("channel", "why"),
    [
        (None, "the channel is gone"),
        (replace(CHANNEL, is_enabled=False), "the channel is disabled"),
        (replace(CHANNEL, tenant=replace(TENANT, id=2)), "the channel belongs to another tenant"),
        (replace(CHANNEL, tenant=replace(TENANT, is_enabled=False)), "the tenant is disabled"),
    ],
)
def test_a_command_is_withheld_when_its_channel_is_not_what_it_was(channel: Channel | None, why: str) -> None:
    assert look(command(), 2, channel, START) == Withheld(2, "channel_changed", why)


def test_a_command_is_late_from_the_moment_at_which_it_expires() -> None:
    due = command(expires_at=START + seconds(1))
    assert look(due, 1, CHANNEL, START) == CHANNEL
    assert look(due, 1, CHANNEL, START + seconds(1)) == Late(1)
