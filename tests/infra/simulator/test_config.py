"""The simulator's configuration comes from the settings of the stack."""

from typing import Any

import pytest
from pydantic import ValidationError

from infra.settings import load
from infra.simulator.config import SimulatorConfig


def test_it_is_what_the_hub_expects() -> None:
    settings = load(
        wpp_gateway_secret="gateway-secret",
        pixelhub_whatsapp_webhook_url="http://127.0.0.1:8080/api/whatsapp/webhook",
        pixelhub_whatsapp_webhook_secret="new, old",
        posto_sim_ack_delay_seconds=0.5,
    )
    config = SimulatorConfig.from_settings(settings)
    assert (config.secret, config.webhook_secret) == ("gateway-secret", "new")
    assert config.webhook_url == "http://127.0.0.1:8080/api/whatsapp/webhook"
    assert config.ack_delay_seconds == 0.5
    assert config.return_message_id is True


@pytest.mark.parametrize(
    "fields", [{"acks": ["seen"]}, {"ack_shape": "round"}, {"echo_delay_seconds": -1}, {"colour": "red"}]
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SimulatorConfig(**fields)
