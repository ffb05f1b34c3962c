"""The WhatsApp gateway, seen from the hub: its client, its errors and what each failure means."""

from adapters.gateway.client import GatewayClient
from adapters.gateway.errors import GatewayError, NotSent, Permanent, Unknown
from adapters.gateway.timeouts import Timeouts

__all__ = ["GatewayClient", "GatewayError", "NotSent", "Permanent", "Timeouts", "Unknown"]
