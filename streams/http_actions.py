"""What an `ai` or `http` action posts, what a target's answer means, and the events that come of it. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas import event_types
from schemas.chat import AuthorKind, Reply
from schemas.configuration import Rule
from schemas.deliveries import Evidence, EvidenceKind
from schemas.events import Action, Event, EventIn
from schemas.http_actions import HttpCommand, Post, Posted, TargetAnswer
from streams import identity, keys, replies
from streams.normalization.content import MAX_TEXT

MOST_REPLIES: Final = 10
DEPTH: Final = "depth"
"""Where the metadata of an event says how many answers of targets led to it."""

ACTIONS: Final = frozenset({Action.AI, Action.HTTP})
_AUTHORS: Final = {Action.AI: AuthorKind.AI, Action.HTTP: AuthorKind.RULE}
_DEEPEST: Final = 1_000

_decode_answer: Final = msgspec.json.Decoder(TargetAnswer).decode


class AnswerError(ValueError):
    """A target's answer that cannot be carried out."""


def command_of(
    event: Event, rule: Rule, tenant_id: int | None, channel: str | None, expires_at: datetime | None
) -> HttpCommand | None:
    """The command of a rule that posts; None where the rule does not post, or names no target."""
    if rule.action not in ACTIONS or rule.target is None:
        return None
    return HttpCommand(
        command_id=keys.command_id(event.event_id, rule.action),
        action=rule.action,
        target=rule.target,
        event=event,
        created_at=event.received_at,
        tenant_id=tenant_id,
        channel=channel,
        conversation_id=event.conversation_id,
        depth=depth_of(event.metadata),
        rule_id=rule.id,
        rule_version=rule.version,
        expires_at=expires_at,
    )


def depth_of(metadata: dict[str, Any]) -> int:
    """How many answers of targets led to an event; whatever is no small number counts as none."""
    depth = metadata.get(DEPTH)
    return min(depth, _DEEPEST) if type(depth) is int and depth > 0 else 0


def body_of(command: HttpCommand) -> bytes:
    """The body of the request: the same bytes at every try."""
    event = command.event
    data = Posted(
        event_id=event.event_id,
        event_type=event.event_type,
        source_system=event.source_system,
        trace_id=event.trace_id,
        occurred_at=event.occurred_at,
        received_at=event.received_at,
        tenant_id=command.tenant_id,
        channel=command.channel,
        contact=event.contact,
        conversation_id=command.conversation_id,
        external_id=event.external_id,
        correlation_id=event.correlation_id,
        payload=event.payload,
        metadata=event.metadata,
    )
    post = Post(
        type=event.event_type,
        timestamp=event.received_at,
        action=command.action,
        data=data,
        depth=command.depth,
        rule_id=command.rule_id,
    )
    return msgspec.json.encode(post)


def answer_of(body: bytes) -> TargetAnswer:
    """What a target answered; AnswerError names what is wrong with it."""
    if not body.strip():
        return TargetAnswer()
    try:
        answer = _decode_answer(body)
    except (ValueError, RecursionError) as error:
        raise AnswerError(f'the answer is not {{"replies": [{{"text": ...}}], "handoff": true?}}: {error}') from None
    if len(answer.replies) > MOST_REPLIES:
        raise AnswerError(f"the answer has {len(answer.replies)} replies, at most {MOST_REPLIES} are sent")
    for place, reply in enumerate(answer.replies):
        if not reply.text.strip() or len(reply.text) > MAX_TEXT:
            raise AnswerError(f"replies[{place}].text: must have 1 to {MAX_TEXT} characters")
    return answer


def events_of(command: HttpCommand, answer: TargetAnswer) -> Iterator[EventIn]:
    """The events that an answer makes, the same for the same answer; AnswerError where nobody is there to be answered.

    Each reply has a key of its command and its place, so that an answer that comes twice is sent once.
    """
    if not (answer.replies or answer.handoff):
        return
    if command.channel is None or command.tenant_id is None or command.conversation_id is None:
        raise AnswerError("the event is of no conversation: there is nobody to whom an answer could go")
    event, author = command.event, command.target
    said = {DEPTH: command.depth + 1, "asked_at": command.created_at.isoformat(), "target": command.target}
    for place, reply in enumerate(answer.replies):
        yield replies.event_of(
            Reply(
                to=_recipient(event),
                text=reply.text,
                conversation_id=command.conversation_id,
                author=author,
                in_reply_to=event.event_id,
            ),
            _AUTHORS[command.action],
            external_id=f"{command.command_id}:{place}",
            tenant_id=command.tenant_id,
            channel=command.channel,
            conversation_id=command.conversation_id,
            trace_id=event.trace_id,
            metadata=said,
        )
    if answer.handoff:
        yield EventIn(
            source_system=replies.SOURCE,
            event_type=event_types.CHAT_HANDOFF,
            external_id=command.command_id,
            ordering_key=command.conversation_id,
            tenant_id=command.tenant_id,
            channel=command.channel,
            payload={"conversation_id": command.conversation_id, "in_reply_to": event.event_id, "author": author},
            metadata={"author_kind": _AUTHORS[command.action], **said},
            trace_id=event.trace_id,
        )


def handoff_of(command: HttpCommand, now: datetime) -> Evidence:
    """What tells the sender of the channel that people have the conversation."""
    return Evidence(
        kind=EvidenceKind.HANDOFF,
        event_id=command.event.event_id,
        trace_id=command.event.trace_id,
        at=now,
        received_at=now,
        channel=command.channel,
        contact=command.event.contact,
        detail={"conversation_id": command.conversation_id},
    )


def _recipient(event: Event) -> str:
    """Whom to answer, as the network spelled it; of an event of a producer, whom it named."""
    spelled = event.payload.get("chat") if event.source_system == keys.GATEWAY else identity.recipient_in(event.payload)
    if not isinstance(spelled, str | int):
        raise AnswerError("the event names nobody to whom an answer could go")
    return str(spelled)
