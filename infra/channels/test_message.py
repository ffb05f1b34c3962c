"""The test message of a channel: an event that goes out like any other, and is followed until its phone has read it."""

import asyncio
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import msgspec

from adapters.mysql.channels import ChannelRow
from infra.channels.effects import Actor
from infra.context import Context
from infra.errors import ConflictError, InvalidError
from schemas import headers as names
from schemas.chat import AuthorKind, Reply
from schemas.deliveries import Status
from streams import identity, keys, topics
from streams.normalization import event_in
from streams.replies import event_of

TEXT: Final = "Mensagem de teste: este canal está conectado."
LONGEST_TEXT: Final = 4_096

_ENDED: Final = frozenset({Status.READ, Status.PLAYED, Status.FAILED, Status.EXPIRED, Status.CANCELLED})
_LOOK_SECONDS: Final = 0.1


class TestMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A test message that was handed in: the ids by which `posto trace` finds it."""

    __test__ = False  # pytest need not look

    event_id: str
    trace_id: str
    to: str


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """How far a test message came; `status` is None while no sender has it, `error` why it did not go out."""

    status: Status | None
    error: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether it will come no further."""
        return self.status in _ENDED or (self.status is None and self.error is not None)

    @property
    def is_acked(self) -> bool:
        """Whether the gateway told of it by the webhook."""
        return self.status in {Status.DELIVERED, Status.READ, Status.PLAYED}


async def send(
    context: Context, actor: Actor, row: ChannelRow, to: str, text: str = TEXT, *, key: str | None = None
) -> TestMessage:
    """Hand a test message in; one and the same however often the actor sends it with the same `key`.

    InvalidError where `to` is nobody, ConflictError where the channel is disabled.
    """
    try:
        recipient = identity.recipient(to)
        contact = identity.match_key(recipient)
    except ValueError as error:
        raise InvalidError(f"to: {error}.", "body.to") from None
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise InvalidError(f"text: must say something, in at most {LONGEST_TEXT} characters.", "body.text")
    if not (row.is_enabled and row.tenant_is_enabled):
        raise ConflictError(f"Channel {row.channel_id!r} is disabled: `posto channels enable {row.id}` enables it.")
    trace_id = uuid4().hex
    event = event_of(
        Reply(to=recipient, text=text, author=actor.name),
        AuthorKind.HUMAN,
        external_id=f"test-{actor.name}:{key or trace_id}",
        tenant_id=row.tenant_id,
        channel=row.channel_id,
        conversation_id=identity.conversation_id(row.id, contact) or row.id,
        trace_id=trace_id,
    )
    checked = event_in.check(msgspec.to_builtins(event))
    headers = [
        (names.RECEIVED_AT, datetime.now(UTC).isoformat().encode()),
        (names.SOURCE, b"posto channels test"),
        (names.TRACE_ID, trace_id.encode()),
    ]
    stream_key = keys.stream_key(checked.idempotency_key).encode()
    producer = await context.producer()
    await producer.send_and_wait(topics.RAW_EVENT, msgspec.json.encode(event), key=stream_key, headers=headers)
    return TestMessage(event_id=keys.event_id(checked.idempotency_key), trace_id=trace_id, to=recipient)


async def seen(context: Context, message: TestMessage) -> Seen:
    """How far it came, as the tables say now."""
    commands = await context.db.fetch(_COMMAND, (message.event_id,))
    if commands:
        return Seen(status=Status(commands[0]["status"]), error=commands[0]["last_error"])
    events = await context.db.fetch(_EVENT, (message.event_id,))
    if events and events[0]["action"] != "whatsapp":
        return Seen(status=None, error=f"no message was made of it: {events[0]['status']} ({events[0]['action']})")
    return Seen(status=None)


async def followed(context: Context, message: TestMessage, seconds: float) -> Seen:
    """How far it came in so many seconds, or earlier where it has come to its end."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        found = await seen(context, message)
        if found.is_over or loop.time() >= until:
            return found
        await asyncio.sleep(_LOOK_SECONDS)


_COMMAND: Final = "SELECT status, last_error FROM outbound_messages WHERE event_id = %s"
_EVENT: Final = "SELECT status, action FROM communication_events WHERE event_id = %s"
