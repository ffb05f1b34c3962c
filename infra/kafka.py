"""Connections to Kafka as the settings say, and waiting for a broker that is not there yet."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from infra.settings import Settings

log = structlog.get_logger()

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 5.0


def connection(settings: Settings) -> dict[str, Any]:
    """Keyword arguments that every aiokafka client takes."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        arguments |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": settings.kafka_sasl_password.get_secret_value(),
        }
    if settings.kafka_security_protocol.endswith("SSL"):
        arguments["ssl_context"] = ssl.create_default_context(
            cafile=str(settings.kafka_ssl_cafile) if settings.kafka_ssl_cafile else None
        )
    return arguments


async def started(make: Callable[[], Any], *, fatal: tuple[type[KafkaError], ...] = ()) -> Any:
    """Make and start an aiokafka client; while no broker answers, say so and try again with a fresh one.

    A client whose start failed cannot be started again, hence `make`. Errors that are `fatal` are raised at once.
    """
    wait = _FIRST_WAIT
    while True:
        client = make()
        try:
            await client.start()
        except KafkaError as error:
            await _closed(client)
            if isinstance(error, fatal):
                raise
            log.warning("kafka_not_reachable", error=str(error), retry_in_seconds=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
        except asyncio.CancelledError:
            await _closed(client)
            raise
        else:
            return client


async def _closed(client: Any) -> None:
    close: Callable[[], Awaitable[None]] = getattr(client, "close", None) or client.stop
    await close()
