"""Commands for people give up after a while, and say so; processes wait as long as it takes."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from infra.errors import AwayError
from infra.settings import Settings

T = TypeVar("T")


class GaveUpError(AwayError):
    """Something that a command needs did not answer in time."""


async def patiently(work: Awaitable[T], seconds: float, away: str) -> T:
    """The result of work; GaveUpError where it takes longer. `away` says what must answer, and where."""
    scope = asyncio.timeout(seconds)
    try:
        async with scope:
            return await work
    except TimeoutError:
        if not scope.expired():
            raise
        raise GaveUpError(
            f"Gave up after {seconds:g} s: no answer from {away}. `posto doctor` says what is wrong; --wait 600 waits "
            "ten minutes."
        ) from None


def kafka_of(settings: Settings) -> str:
    """Kafka, and where it is looked for."""
    return f"Kafka at {settings.kafka_bootstrap_servers}"


def mysql_of(settings: Settings) -> str:
    """MySQL, and where it is looked for."""
    return f"MySQL at {settings.mysql.host}:{settings.mysql.port}"
