"""One request to the gateway: the last looks before it leaves, its answer, and one log line."""

from collections.abc import Callable

import structlog

from schemas.configuration import Channel
from streams import failpoints
from streams.sending.inputs import Answer, Withdrawn
from streams.sending.latecomers import Begun
from streams.sending.look import look
from streams.sending.surroundings import Surroundings

log = structlog.get_logger()


async def make_request(around: Surroundings, begun: Begun, may_leave: Callable[[], bool]) -> Answer:
    """Make the request of an attempt that is on record, unless a look right before it forbids that.

    `may_leave` is the very last look: between it and the request lies no more than a connection to be made.
    """
    began = around.clock.now()
    answer = await _answer(around, begun, may_leave)
    command = begun.command
    log.info(
        "attempt",
        command_id=command.command_id,
        event_id=command.event_id,
        trace_id=command.trace_id,
        tenant_id=command.tenant_id,
        channel=command.channel,
        attempt=begun.attempt,
        answer=type(answer).__name__,
        reason=getattr(answer, "reason", None),
        seconds=(around.clock.now() - began).total_seconds(),
    )
    return answer


async def _answer(around: Surroundings, begun: Begun, may_leave: Callable[[], bool]) -> Answer:
    command, attempt, _ = begun
    channel = look(command, attempt, around.channels(command.channel), around.clock.now())
    if not isinstance(channel, Channel):
        around.breaker.spared()
        return channel
    if not may_leave():
        around.breaker.spared()
        return Withdrawn(attempt)
    failpoints.reach("sender.before_request")
    epoch, answer = around.breaker.began(), None
    try:
        answer = await around.carry(channel.channel_id, command, attempt)
    finally:
        around.breaker.ended(epoch, channel.channel_id, answer)
    failpoints.reach("sender.answered")
    return answer
