"""What a person says of a conversation: written to `conversation.change`, and waited for until the tables show it."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import msgspec

from adapters.mysql.locks import held
from adapters.mysql.pool import Database, Row, Session
from infra.context import Context
from infra.conversations.reading import one
from infra.errors import AwayError, InvalidError
from schemas.conversations import ConversationChange, ConversationChangeKind, ConversationStatus
from streams import topics
from streams.envelope import headers_for

LONGEST_NAME: Final = 191
LONGEST_REASON: Final = 500

_SOURCE: Final = "posto"
_SHOWN_WITHIN: Final = 10.0  # seconds
_LOOK_SECONDS: Final = 0.05
_MOMENT: Final = timedelta(microseconds=1)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """How a conversation is to be; what is UNSET stays as it is.

    `assigned_to` None: nobody's. `read_until`: so far as messages had come in then; `is_read` all of them, or all but
    the last.
    """

    assigned_to: str | msgspec.UnsetType | None = msgspec.UNSET
    status: ConversationStatus | msgspec.UnsetType = msgspec.UNSET
    is_read: bool | msgspec.UnsetType = msgspec.UNSET
    read_until: datetime | msgspec.UnsetType = msgspec.UNSET
    reason: str | None = None


def authored(conversation: Mapping[str, Any]) -> dict[str, Any]:
    """What a change is a change of: what people said of a conversation, and what has come in."""
    times = {name: conversation[name] for name in ("read_until", "last_received_at")}
    return {name: conversation[name] for name in ("id", "status", "assigned_to", "unread")} | {
        name: at and at.isoformat() for name, at in times.items()
    }


async def change(
    context: Context,
    conversation_id: str,
    wish: Wish,
    *,
    by: str,
    trace_id: str | None = None,
    check: Callable[[Row], None] = lambda _: None,
    wait: float = _SHOWN_WITHIN,
) -> Row:
    """Say it, and return the conversation once the tables show that. What is so already is not said again.

    `check` raises where the conversation is not as the caller knows it: it is called while nobody else changes it, and
    whoever comes next sees this change, so the lock is kept until the tables show it; by a connection of `patient_db`.
    UnknownError where there is none, InvalidError where the wish makes no sense, AwayError where it is on record and
    does not show in time.
    """
    _sensible(wish)
    producer = await context.producer()
    async with context.patient_db.session() as session, held(session, _purpose(conversation_id)):
        conversation = await one(session, conversation_id)
        check(conversation)
        since = await _last_words(session, conversation_id)
        at = max([datetime.now(UTC), *(moment.replace(tzinfo=UTC) + _MOMENT for moment in since)])
        changes = _changes(conversation, wish, by=by, at=at, trace_id=trace_id or uuid4().hex)
        for said in changes:
            await _write(producer, said)
        return await _shown(context.db, conversation_id, changes, wait) if changes else conversation


def _sensible(wish: Wish) -> None:
    if wish.is_read is not msgspec.UNSET and wish.read_until is not msgspec.UNSET:
        raise InvalidError("is_read and read_until are two ways to say one thing: choose one.", "body.read_until")
    for name, text, longest in (
        ("assigned_to", wish.assigned_to, LONGEST_NAME),
        ("reason", wish.reason, LONGEST_REASON),
    ):
        if isinstance(text, str) and not (text.strip() and text.isprintable() and len(text) <= longest):
            raise InvalidError(
                f"{name}: must say something, in at most {longest} characters that can be printed.", f"body.{name}"
            )
    if all(getattr(wish, name) is msgspec.UNSET for name in ("assigned_to", "status", "is_read", "read_until")):
        raise InvalidError("Nothing is to be changed: say assigned_to, status, is_read or read_until.", "body")


def _changes(conversation: Row, wish: Wish, *, by: str, at: datetime, trace_id: str) -> Sequence[ConversationChange]:
    """What has to be said, for the conversation to be as it is wished."""

    def said(what: ConversationChangeKind, **more: Any) -> ConversationChange:
        return ConversationChange(
            change_id=str(uuid4()),
            conversation_id=conversation["id"],
            tenant_id=conversation["tenant_id"],
            what=what,
            at=at,
            by=by,
            trace_id=trace_id,
            reason=wish.reason,
            **more,
        )

    last, changes = conversation["last_received_at"], []
    if wish.assigned_to is not msgspec.UNSET and wish.assigned_to != conversation["assigned_to"]:
        changes.append(said(ConversationChangeKind.ASSIGNED, assignee=wish.assigned_to))
    if wish.status is not msgspec.UNSET and wish.status != conversation["status"]:
        is_closed = wish.status is ConversationStatus.CLOSED
        changes.append(
            said(ConversationChangeKind.CLOSED, until=last) if is_closed else said(ConversationChangeKind.REOPENED)
        )
    until = wish.read_until
    if wish.is_read is not msgspec.UNSET:
        until = msgspec.UNSET if last is None else last if wish.is_read else last - _MOMENT
    if until is not msgspec.UNSET and until != conversation["read_until"]:
        changes.append(said(ConversationChangeKind.READ, until=until))
    return changes


async def _write(producer: Any, said: ConversationChange) -> None:
    headers = headers_for(
        id=said.change_id,
        type=f"{topics.CONVERSATION_CHANGE}.{said.what}",
        source=_SOURCE,
        time=said.at,
        trace_id=said.trace_id,
        tenant_id=said.tenant_id,
    )
    key = said.conversation_id.encode()
    await producer.send_and_wait(topics.CONVERSATION_CHANGE, msgspec.json.encode(said), key=key, headers=headers)


async def _last_words(session: Session, conversation_id: str) -> list[datetime]:
    rows = await session.fetch(_WORDS, (conversation_id,))
    return [at for name in ("assigned_at", "state_at", "read_at") if (at := rows[0][name])]


async def _shown(db: Database, conversation_id: str, changes: Sequence[ConversationChange], wait: float) -> Row:
    """The conversation once the tables have all of these changes."""
    wanted = {change.change_id for change in changes}
    try:
        async with asyncio.timeout(wait):
            while True:
                row = (await db.fetch(_WORDS, (conversation_id,)))[0]
                if wanted <= {row["assigned_change"], row["state_change"], row["read_change"]}:
                    return await one(db, conversation_id)
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise AwayError(
            f"It is on record (trace {changes[0].trace_id}) and counts; after {wait:g} s MySQL does not show it yet: "
            "`posto status` says what is behind."
        ) from None


def _purpose(conversation_id: str) -> str:
    return f"chat.{hashlib.blake2b(conversation_id.encode(), digest_size=8).hexdigest()}"


_WORDS: Final = (
    "SELECT assigned_at, assigned_change, state_at, state_change, read_at, read_change FROM conversations WHERE id = %s"
)
