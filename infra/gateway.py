"""The gateway that the settings name."""

from adapters.gateway import GatewayClient, Timeouts
from infra.settings import Settings


def gateway_client(settings: Settings) -> GatewayClient:
    """A client of it, with the settings' secret and timeouts."""
    return GatewayClient(
        settings.wpp_gateway_base_url,
        settings.wpp_gateway_secret.get_secret_value(),
        timeouts=Timeouts(
            connect=settings.posto_gateway_connect_seconds,
            pool=settings.posto_gateway_connect_seconds,
            write=settings.posto_gateway_write_seconds,
            list_channels=settings.posto_gateway_channels_seconds,
            get_media=settings.posto_gateway_media_seconds,
            other=settings.posto_gateway_answer_seconds,
        ),
    )
