"""One request to the gateway: the last looks before it leaves, its answer, and one log line."""

from collections.abc import Callable
from datetime import datetime

import structlog

from schemas.commands import Command
from schemas.configuration import Channel
from streams import failpoints
from streams.sending.inputs import Answer, Moot, Withdrawn
from streams.sending.latecomers import Begun
from streams.sending.look import look
from streams.sending.surroundings import Surroundings

log = structlog.get_logger()

Muted = Callable[[Command, datetime], str | None]
"""Why a command must not be sent since people have the word (`streams.sending.muting`)."""


async def make_request(around: Surroundings, begun: Begun, may_leave: Callable[[], bool], muted: Muted) -> Answer:
    """Make the request of an attempt that is on record, unless a look right before it forbids that.

    `may_leave` is the very last look: between it and the request lies no more than a connection to be made.
    """
    began = around.clock.now()
    answer = await _answer(around, begun, may_leave, muted)
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


async def _answer(around: Surroundings, begun: Begun, may_leave: Callable[[], bool], muted: Muted) -> Answer:
    found = await _last_look(around, begun, may_leave, muted)
    if not isinstance(found, Channel):
        around.breaker.spared()
        return found
    failpoints.reach("sender.before_request")
    epoch, answer = around.breaker.began(), None
    try:
        answer = await around.carry(found.channel_id, begun.command, begun.attempt)
    finally:
        around.breaker.ended(epoch, found.channel_id, answer)
    failpoints.reach("sender.answered")
    return answer


async def _last_look(
    around: Surroundings, begun: Begun, may_leave: Callable[[], bool], muted: Muted
) -> Channel | Answer:
    """The channel to send by, or why not to; what took a while to be asked for is looked at again after it."""
    command, attempt, _ = begun
    channel = look(command, attempt, around.channels(command.channel), around.clock.now())
    if isinstance(channel, Channel) and command.precondition_url is not None:
        if not may_leave():
            return Withdrawn(attempt)
        answer = await around.still_holds(command, attempt)
        if answer is not None:
            return answer
        channel = look(command, attempt, around.channels(command.channel), around.clock.now())
    if isinstance(channel, Channel) and not may_leave():
        return Withdrawn(attempt)
    if isinstance(channel, Channel) and (reason := muted(command, around.clock.now())):
        return Moot(attempt, reason)
    return channel
