"""Commands to WhatsApp messages: each to the owner of its partition, whose log has it before it is let go."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import msgspec
import structlog

from adapters.gateway import GatewayError, NotSent, Permanent
from schemas import headers
from schemas.commands import Command
from schemas.deliveries import Evidence, EvidenceKind
from schemas.events import Coordinates
from schemas.gateway import Channel, SendReceipt
from streams import topics
from streams.letters import first_place
from streams.runtime import AgentFunction, Batch, Record, RecordTooLargeError
from streams.runtime.dead_letters import header
from streams.sending import inputs
from streams.sending.book import command_key
from streams.sending.desk import Found, Incoming
from streams.sending.late_answers import answer_in
from streams.sending.operators_word import decision_in
from streams.sending.outboxes import Outboxes
from streams.sending.trouble import Sign, sign_of_reason

log = structlog.get_logger()

SOURCES: Final = (topics.COMMAND_OUTBOUND, topics.DELIVERY_EVIDENCE)
OUTPUTS: Final = ()

LARGEST_COMMAND: Final = 393_216
"""Bytes: a larger command might not fit, in the form of a fact or of the snapshot, into the topics of those."""

_decode_command = msgspec.json.Decoder(Command).decode
_decode_evidence = msgspec.json.Decoder(Evidence).decode
_CHECKS: Final[Mapping[EvidenceKind, Callable[[Evidence], object]]] = {
    EvidenceKind.LATE_ANSWER: answer_in,
    EvidenceKind.DECISION: decision_in,
}
"""What raises ValueError where a record of such a kind says nothing that could be understood."""


def build(outboxes: Outboxes) -> AgentFunction:
    """The agent: gives commands and evidence to the owners of their partitions; what it cannot read is a dead letter.

    A slow gateway holds nothing up: all that is waited for here is the log.
    """

    async def sender(batch: Batch) -> None:
        incoming: defaultdict[int, list[Incoming]] = defaultdict(list)
        for record in batch.records:
            try:
                incoming[record.partition].append(_read(record))
            except (ValueError, RecursionError, RecordTooLargeError) as error:
                batch.reject(record, error)
        await outboxes.take(incoming)

    return sender


def _read(record: Record) -> Incoming:
    value = record.value or b""
    if record.topic == topics.DELIVERY_EVIDENCE:
        evidence = _decode_evidence(value)
        if evidence.command_id is not None:
            command_key(evidence.command_id)  # ValueError for what is no command id
        if check := _CHECKS.get(evidence.kind):
            check(evidence)
        place = Coordinates(record.topic, record.partition, record.offset)
        return Found(evidence, first_place(place, dict(record.headers)))
    if len(value) > LARGEST_COMMAND:
        raise RecordTooLargeError(topics.DELIVERY_STATUS, len(value), LARGEST_COMMAND)
    command = _decode_command(value)
    command_key(command.command_id)
    is_replay = header(record.headers, headers.REPLAY) is not None
    return inputs.Replay(command) if is_replay else inputs.Take(command)


class Gateway(Protocol):
    """The gateway, as far as the sender calls it (`adapters.gateway.GatewayClient`)."""

    async def send_text(
        self, channel_id: str, to: str, text: str, metadata: dict[str, str], *, request_id: str
    ) -> SendReceipt: ...

    async def get_channel(self, channel_id: str) -> Channel: ...


class GatewayLook:
    """Asks the gateway how a channel is: a cheap question, which is answered within `timeout` seconds or not at all."""

    def __init__(self, gateway: Gateway, timeout: float) -> None:
        self._gateway = gateway
        self._timeout = timeout

    async def probe(self, channel_id: str) -> Sign:
        """Whether the gateway is there at all."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._gateway.get_channel(channel_id)
        except GatewayError as error:
            return sign_of_reason(error.reason)
        except TimeoutError:
            return Sign.FALTERS
        return Sign.THERE

    async def poll(self, channel_id: str) -> str | None:
        """The state of a channel in the gateway's word, in lower case; None where it does not say."""
        try:
            channel = await self._gateway.get_channel(channel_id)
        except GatewayError as error:
            log.info("channel_not_polled", channel=channel_id, reason=error.reason)
            return None
        return channel.status.casefold() if channel.status else None


class GatewayCarrier:
    """Makes the request of an attempt, and says what its outcome means for the command."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, channel_id: str, command: Command, attempt: int) -> inputs.Answer:
        """Send one text; every error of the gateway becomes an answer."""
        metadata = {"command_id": command.command_id, "event_id": command.event_id, "trace_id": command.trace_id}
        request_id = inputs.request_id(command.command_id, attempt)
        try:
            receipt = await self._gateway.send_text(
                channel_id, command.to, command.text, metadata, request_id=request_id
            )
        except NotSent as error:
            return inputs.NotSent(attempt, error.reason, error.said or None, error.status, error.retry_after)
        except Permanent as error:
            return inputs.Refused(attempt, error.reason, error.said or None, error.status)
        except GatewayError as error:
            return inputs.Unclear(attempt, error.reason, error.said or None, error.status)
        return inputs.Sent(attempt, receipt.provider_message_id)
