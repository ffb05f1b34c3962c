"""What a webhook says, whatever its dialect: the shapes that become events."""

from typing import Any, Final

import msgspec

from schemas.deliveries import AckStatus
from streams.identity import MessageId
from streams.normalization.blobs import Blob

MEDIA: Final = frozenset({"image", "video", "audio", "ptt", "document", "sticker"})
"""Types of messages whose content is a file."""
TEXT: Final = "text"
CIPHERTEXT: Final = "ciphertext"
"""Type of a message that the engine could not read yet: it says that there is one, and nothing more."""
_NEEDS_CONTENT: Final = frozenset({TEXT, CIPHERTEXT, "vcard", "location"})


class Content(msgspec.Struct, kw_only=True):
    """What a message holds.

    `media` describes the file of a type in `MEDIA`, with its `ref` where `blobs` has its bytes; `thumbnail` is that of
    the file or of the place. `encoded` is what stood in a text field and was bytes. `text_length` is set where the text
    was longer than is kept.
    """

    type: str = TEXT
    text: str | None = None
    caption: str | None = None
    media: dict[str, Any] | None = None
    location: dict[str, Any] | None = None
    vcard: str | None = None
    quoted: dict[str, Any] | None = None
    thumbnail: dict[str, Any] | None = None
    encoded: str | None = None
    blobs: tuple[Blob, ...] = ()
    text_length: int | None = None


class Message(msgspec.Struct, kw_only=True):
    """A message, received or sent. `chat` is the other party or the group; ids are spelled as they came."""

    content: Content
    id: MessageId | None
    is_own: bool
    chat: str | None
    sender: str | None = None
    addressee: str | None = None
    author: str | None = None
    sender_name: str | None = None

    @property
    def is_shell(self) -> bool:
        """Whether it says that there is a message and not what it holds: another emission brings that.

        A received file of which nothing but its type is told is no shell: it can be fetched. The minimal echo of an
        own message (`message.sent`) is one whatever its type.
        """
        content = self.content
        if content.text or content.caption or content.vcard or content.location:
            return False
        return content.type in _NEEDS_CONTENT or (self.is_own and not (content.media or content.encoded))


class Ack(msgspec.Struct):
    """What became of a message that the channel sent."""

    id: MessageId
    status: AckStatus
    chat: str | None


class Reaction(msgspec.Struct, kw_only=True):
    """A reaction to a message; an empty `text` takes it back."""

    id: MessageId | None
    target: MessageId | None
    text: str
    is_own: bool
    chat: str | None
    author: str | None


class Revoked(msgspec.Struct):
    """A message was deleted for everyone."""

    id: MessageId | None
    chat: str | None


class ChannelState(msgspec.Struct):
    """The channel itself changed to `connected`, `disconnected` or `qr_required`; `word` is the gateway's own."""

    state: str
    word: str


class Call(msgspec.Struct):
    """Somebody calls. It has no event type of its own: kept like what is not known, under its `name`."""

    name: str
    id: MessageId | None
    chat: str | None


class Technical(msgspec.Struct):
    """Nothing that is an event: presence, labels, notices. `kind` is a short word for counting."""

    kind: str


class Other(msgspec.Struct):
    """Something without an event type of its own, kept under its `name`."""

    name: str
    id: MessageId | None = None
    chat: str | None = None
    detail: str | None = None


Inbound = Message | Ack | Reaction | Revoked | ChannelState | Call | Technical | Other
