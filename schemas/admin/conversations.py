"""Conversations and their messages, as the Admin API shows and takes them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.admin.pages import Listing
from schemas.admin.values import Body, Key, Moment, Name, Shown, TenantId, Text

Status = Literal["open", "closed"]
Direction = Literal["inbound", "outbound"]


class ConversationFilter(Listing):
    """Which conversations are wanted; those with the newest message come first."""

    tenant: Annotated[TenantId | None, Field(strict=False)] = None
    channel: Annotated[Key | None, Field(description="In any spelling.")] = None
    status: Status | None = None
    unread: Annotated[bool | None, Field(strict=False, description="Whether any message is unread.")] = None
    assigned_to: Annotated[Name | None, Field(description="Who takes care of it.")] = None
    unassigned: Annotated[bool | None, Field(strict=False, description="Whether nobody takes care of it.")] = None
    contact: Annotated[
        Key | None, Field(description="A phone, lid or group in any spelling; with all that is the same person.")
    ] = None
    since: Annotated[Moment | None, Field(description="The last message is of then or later.")] = None
    until: Annotated[Moment | None, Field(description="The last message is from before.")] = None


class MessageFilter(Listing):
    """Which messages of a conversation are wanted; the newest come first."""

    direction: Direction | None = None
    status: Annotated[Key | None, Field(description="`received`, or the state of what was sent.")] = None
    type: Annotated[Key | None, Field(description="`text`, `image`, `ptt` and so on.")] = None
    media: Literal["pending", "ready", "failed"] | None = None
    since: Annotated[Moment | None, Field(description="Of then or later.")] = None
    until: Annotated[Moment | None, Field(description="From before.")] = None
    text: Annotated[Text | None, Field(description="Found in its text, whatever the case.")] = None


class LastMessage(Shown):
    """The newest message of a conversation, with the beginning of its text."""

    key: str
    direction: Direction
    type: str | None
    status: str | None
    text: str | None


class ConversationShown(Shown):
    """One conversation: a channel with a contact."""

    id: str
    tenant_id: int | None
    channel: str
    contact: str
    display_name: str | None
    person: str
    status: Status
    state_at: datetime | None
    state_by: str | None
    state_reason: str | None
    assigned_to: str | None
    assigned_at: datetime | None
    assigned_by: str | None
    unread: int
    read_until: datetime | None
    read_at: datetime | None
    read_by: str | None
    first_message_at: datetime | None
    last_message_at: datetime | None
    last_inbound_at: datetime | None
    last_received_at: datetime | None
    last_message: LastMessage | None


class WholeConversation(ConversationShown):
    """The same with what a reply needs.

    `reply_to` is the id that the network used last: replies go there. `obstacle` says why none can be sent now.
    `linked` are the other conversations of the channel with the same person.
    """

    reply_to: str
    obstacle: str | None
    linked: list[str]


class MessageShown(Shown):
    """One message.

    `origin` says whose it is: the contact's, a reply by way of the hub (`author_kind`, `written_by`), that of a rule,
    or one that was typed on the channel's phone. `attachment` names the file by its reference (`media.ref`).
    `event_id` and `command_id` are for `/api/admin/traces`.
    """

    message_key: str
    conversation_id: str
    direction: Direction
    origin: Literal["contact", "reply", "rule", "phone"]
    status: str | None
    type: str | None
    at: datetime
    received_at: datetime | None
    author: str | None
    author_name: str | None
    author_kind: str | None
    written_by: str | None
    in_reply_to: str | None
    text: str | None
    attachment: dict[str, Any] | None
    media_state: str | None
    media_ref: str | None
    event_id: str | None
    command_id: str | None
    last_error: str | None


class NewReply(Body):
    """What is to be answered."""

    text: Annotated[str, Field(min_length=1, max_length=65_536)]
    in_reply_to: Annotated[
        str | None, Field(min_length=1, max_length=36, description="The event_id of what it answers.")
    ] = None
    expires_at: Annotated[Moment | None, Field(description="After this it is not sent any more.")] = None


class ReplyTaken(Shown):
    """A reply that will be sent: `posto trace` and `/api/admin/traces` follow it by its ids."""

    event_id: str
    trace_id: str
    conversation_id: str
    to: str


class ConversationChanges(Body):
    """How a conversation is to be; what is not named stays as it is.

    `assigned_to` null: nobody's. `is_read`: whether all that came in was read, or all but the last. `read_until`
    instead: read so far as messages had come in then.
    """

    assigned_to: Name | None = None
    status: Status | None = None
    is_read: bool | None = None
    read_until: Moment | None = None
    reason: Text | None = None
