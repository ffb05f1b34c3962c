"""Questions about a log's readiness, to be asked until they come true."""

from adapters.edge.kafka import KafkaLog
from adapters.edge.log import LogUnavailableError


async def is_ready(log: KafkaLog) -> bool:
    """Whether an append would be kept now."""
    return await reason(log) is None


async def reason(log: KafkaLog) -> str | None:
    """Why an append would fail now, if it would."""
    try:
        await log.check()
    except LogUnavailableError as error:
        return str(error)
    return None
