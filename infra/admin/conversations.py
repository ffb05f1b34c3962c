"""`/api/admin/conversations`: what was said with whom, answered, assigned and closed."""

from typing import Annotated, Final
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Path, Query, Response

from adapters.mysql.pool import Row, Session
from infra.admin.access import Operating, Reader
from infra.admin.context import InContext
from infra.admin.etags import Matching, etag_of
from infra.admin.listing import page, wanted_rows
from infra.admin.once import OnceOnly
from infra.conversations import reading
from infra.conversations.changing import Wish, authored, change
from infra.conversations.replying import answerable, reply
from schemas.admin.conversations import (
    ConversationChanges,
    ConversationFilter,
    ConversationShown,
    MessageFilter,
    MessageShown,
    NewReply,
    ReplyTaken,
    WholeConversation,
)
from schemas.admin.pages import Page
from schemas.admin.values import Key
from schemas.conversations import ConversationStatus
from streams.identity import canonical_channel

router: Final = APIRouter(tags=["conversations"])

ConversationPath = Annotated[Key, Path(description="As `canalum:554799990001`.")]


@router.get("/conversations")
async def list_conversations(
    _: Reader, context: InContext, wanted: Annotated[ConversationFilter, Query()]
) -> Page[ConversationShown]:
    """Conversations, those with the newest message first."""
    filters = {name: getattr(wanted, name, None) for name in reading.CONVERSATIONS.conditions} | {
        "channel": wanted.channel and canonical_channel(wanted.channel),
        "contacts": await reading.contacts_of(context.db, wanted.contact) if wanted.contact else None,
    }
    found = await reading.listed(context.db, wanted_rows("conversations", wanted, filters))
    return page("conversations", wanted, ConversationShown, found.rows, found.after)


@router.get("/conversations/{conversation_id}")
async def show_conversation(
    _: Reader, context: InContext, conversation_id: ConversationPath, response: Response
) -> WholeConversation:
    """One conversation, and to whom a reply would go. Its ETag is that of what people said and what came in."""
    row = await reading.one(context.db, conversation_id)
    response.headers["etag"] = etag_of(authored(row))
    return WholeConversation.model_validate(await answerable(context.db, row))


@router.get("/conversations/{conversation_id}/messages")
async def list_messages(
    _: Reader, context: InContext, conversation_id: ConversationPath, wanted: Annotated[MessageFilter, Query()]
) -> Page[MessageShown]:
    """The messages of a conversation, the newest first: what came in, was sent, or was typed on the phone."""
    await reading.one(context.db, conversation_id)
    query = f"messages of {conversation_id}"
    filters = {name: getattr(wanted, name, None) for name in reading.MESSAGES.conditions}
    rows = wanted_rows(query, wanted, filters | {"conversation": conversation_id})
    found = await reading.messages(context.db, rows)
    return page(query, wanted, MessageShown, found.rows, found.after)


@router.post("/conversations/{conversation_id}/replies", status_code=202)
async def reply_to_conversation(
    operator: Operating, context: InContext, conversation_id: ConversationPath, once: OnceOnly, body: NewReply
) -> ReplyTaken:
    """Answer, to exactly the id that the network used last. With an Idempotency-Key it is sent once, however often."""

    async def make(_: Session) -> ReplyTaken:
        sent = await reply(
            context,
            conversation_id,
            body.text,
            author=operator.name,
            external_id=f"{operator.name}:{once.key or uuid4()}",
            in_reply_to=body.in_reply_to,
            expires_at=body.expires_at,
            trace_id=operator.trace_id,
        )
        return ReplyTaken.model_validate(sent)

    return await once.run(body, ReplyTaken, make)


@router.patch("/conversations/{conversation_id}")
async def change_conversation(
    operator: Operating,
    context: InContext,
    conversation_id: ConversationPath,
    matching: Matching,
    body: ConversationChanges,
    response: Response,
) -> ConversationShown:
    """Assign, close or open a conversation, or say how far it was read; answered once the lists show it."""

    def check(row: Row) -> None:
        matching.check(etag_of(authored(row)), ConversationShown.model_validate(row))

    row = await change(context, conversation_id, _wish(body), by=operator.name, trace_id=operator.trace_id, check=check)
    response.headers["etag"] = etag_of(authored(row))
    return ConversationShown.model_validate(row)


def _wish(body: ConversationChanges) -> Wish:
    said = body.model_dump(exclude_none=True)
    if "assigned_to" in body.model_fields_set:
        said["assigned_to"] = body.assigned_to
    return msgspec.convert(said | {"status": ConversationStatus(said["status"])} if "status" in said else said, Wish)
