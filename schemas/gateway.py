"""Gateway: bodies and answers of the WhatsApp gateway's HTTP API, as tolerant as the gateway is varied.

The shapes are those of field notes §4. Only what the hub uses is named; everything else an answer holds is kept as
extra. A field that comes under several names is gathered before validation: the first name with a usable value wins.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

CONNECTED_WORDS: Final = frozenset({"connected", "open", "inchat", "islogged", "qrreadsuccess"})
"""The gateway's words for a channel that is up, in lower case; compared whole: `disconnected` holds `connected`."""

MEDIA_FIELDS: Final = ("media_base64", "mediaBase64", "base64", "data", "media", "file")
MEDIA_TYPE_FIELDS: Final = ("mime_type", "mimeType", "mimetype", "content_type", "contentType")
MEDIA_CONTAINERS: Final = ("data", "result", "response", "media")

_PHONE_FIELDS: Final = ("phoneNumber", "phone_number", "phone", "number", "pn")

_DATA_URL_TYPE: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)", re.ASCII)


class Body(BaseModel):
    """A request body: what is None stays out of it."""

    model_config = ConfigDict(frozen=True)

    def encoded(self) -> bytes:
        """The JSON bytes that go on the wire; ValueError where they cannot be made."""
        return self.model_dump_json(exclude_none=True).encode()


class CreateChannel(Body):
    """`POST /api/channels`."""

    channel: str


class SendText(Body):
    """`POST /api/messages` with a text; `channel` in the gateway's exact spelling."""

    channel: str
    to: str
    text: str
    metadata: dict[str, Any] | None = None


class SetWebhook(Body):
    """`POST /api/webhooks` and `POST /api/channels/:id/webhook`."""

    url: str
    secret: str | None = None


class Answer(BaseModel):
    """What the gateway answered: unknown fields are kept (`model_extra`)."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Channel(Answer):
    """One channel (a WhatsApp session) as the gateway sees it; `status` is its word in lower case, if it gave one."""

    id: str
    name: str | None = None
    status: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, answer: Any) -> Any:
        if not isinstance(answer, Mapping):
            return {"id": answer} if isinstance(answer, str) else answer
        status = first_text(answer, "status", "state", "connection")
        if status is None and isinstance(answer.get("connected"), bool):
            status = "connected" if answer["connected"] else "disconnected"
        return {
            **answer,
            "id": first_text(answer, "id", "channel", "channelId", "channel_id", "session", "name"),
            "name": first_text(answer, "name"),
            "status": status.lower() if status else None,
        }

    @property
    def is_connected(self) -> bool:
        """Whether the gateway says that it is up; says nothing about messages really passing."""
        return self.status in CONNECTED_WORDS


class ChannelList(Answer):
    """The answer of `GET /api/channels`; an entry without an id is left out."""

    channels: tuple[Channel, ...]
    total: int

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, answer: Any) -> Any:
        if not isinstance(answer, Mapping):
            return answer
        listed = next((answer[key] for key in ("channels", "data") if isinstance(answer.get(key), list)), None)
        if listed is None:
            return answer
        channels = tuple(_readable_channels(listed))
        total = answer.get("total")
        is_count = isinstance(total, int) and not isinstance(total, bool)
        return {**answer, "channels": channels, "total": total if is_count else len(channels)}


class ChannelAnswer(Answer):
    """The answer of `GET /api/channels/:id`: nested under `channel` (or `data`), or flat."""

    channel: Channel

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, answer: Any) -> Any:
        if not isinstance(answer, Mapping):
            return answer
        data = answer.get("data")
        if isinstance(data, Mapping):
            answer = {**answer, **data}
        nested = answer.get("channel")
        return {"channel": nested if isinstance(nested, Mapping) else answer}


class ChannelCreated(Answer):
    """The answer of `POST /api/channels`; `qr_required`: a person must scan the QR code before the channel works."""

    qr_required: bool = False

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, answer: Any) -> Any:
        if not isinstance(answer, Mapping):
            return answer
        said = any(answer.get(key) in (True, "true", 1) for key in ("qr_required", "qrRequired"))
        status = first_text(answer, "status") or ""
        return {**answer, "qr_required": said or status.lower() == "qr_required"}


class SendReceipt(Answer):
    """The answer of a send that was taken; the message id is usually missing."""

    correlation_id: str | None = None
    provider_message_id: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, answer: Any) -> Any:
        if not isinstance(answer, Mapping):
            return answer
        places = [
            answer,
            *(answer[key] for key in ("data", "result", "message") if isinstance(answer.get(key), Mapping)),
        ]
        ids = (message_id(place.get(key)) for place in places for key in ("messageId", "message_id", "id"))
        correlations = (first_text(place, "correlationId", "correlation_id") for place in places)
        return {
            **answer,
            "correlation_id": next(filter(None, correlations), None),
            "provider_message_id": next(filter(None, ids), None),
        }


class LidEntry(Answer):
    """The answer of `GET /api/{channel}/contact/pn-lid/{lid}`: ids as the gateway spelled them, None where it has none.

    The engine answers `{lid?, phoneNumber?, contact?}`, each id as `{id, server, _serialized}`, and leaves the phone
    out where its cache has none (wppconnect-server `src/controller/contactController.ts`, wa-js
    `src/contact/functions/getPnLidEntry.ts`). A wrapper may put that into `data`, `response` or `result`. What it says
    of the contact, a name among it, is no evidence and not looked at.
    """

    lid: str | None = None
    phone: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, answer: Any) -> Any:
        if not isinstance(answer, Mapping):
            return answer
        nested = (answer[key] for key in ("data", "response", "result") if isinstance(answer.get(key), Mapping))
        places = [answer, *nested]
        phones = (contact_id(place.get(key), "c.us") for place in places for key in _PHONE_FIELDS)
        lids = (contact_id(place.get("lid"), "lid") for place in places)
        return {**answer, "lid": next(filter(None, lids), None), "phone": next(filter(None, phones), None)}


class MediaFile(Answer):
    """The answer of `GET /api/media/:channel/:messageId`: the bytes of a file in base64, and its media type.

    The base64 may be a data URL, which then tells the type where nothing else does.
    """

    media_base64: str
    mime_type: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, answer: Any) -> Any:
        if not isinstance(answer, Mapping):
            return answer
        nested = (answer[key] for key in MEDIA_CONTAINERS if isinstance(answer.get(key), Mapping))
        places = [answer, *nested]
        held = (place.get(key) for place in places for key in MEDIA_FIELDS)
        encoded = next((each for each in held if isinstance(each, str) and each), None)
        types = (first_text(place, *MEDIA_TYPE_FIELDS) for place in places)
        told = next(filter(None, types), None)
        if told is None and encoded is not None and (head := _DATA_URL_TYPE.match(encoded)):
            told = head[1]
        return {"media_base64": encoded, "mime_type": told}


class WebhookSet(Answer):
    """The answer of both webhook calls; some versions leave every event switched off, which only the extras show."""


def message_id(value: Any) -> str | None:
    """The id of a message, given as a string, a number or the engine's object `{fromMe, remote, id, _serialized}`."""
    if not isinstance(value, Mapping):
        return _text(value)
    serialized = _text(value.get("_serialized"))
    bare, remote = _text(value.get("id")), _text(value.get("remote"))
    if serialized or not bare or not remote:
        return serialized or bare
    return f"{'true' if value.get('fromMe') is True else 'false'}_{remote}_{bare}"


def contact_id(value: Any, domain: str) -> str | None:
    """The id of a contact, given as text or as the engine's object `{id, server, _serialized}`.

    Where nothing names its domain it is the one that the field promises.
    """
    if isinstance(value, Mapping):
        server = _text(value.get("server")) or domain
        return _text(value.get("_serialized")) or contact_id(_text(value.get("id") or value.get("user")), server)
    text = _text(value)
    return f"{text}@{domain}" if text and "@" not in text else text


def first_text(answer: Mapping[str, Any], *keys: str) -> str | None:
    """The first of these fields that holds a text or a whole number, as text."""
    return next(filter(None, (_text(answer.get(key)) for key in keys)), None)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def _readable_channels(listed: Iterable[Any]) -> Iterable[Channel]:
    for entry in listed:
        try:
            yield Channel.model_validate(entry)
        except ValidationError:
            continue


__all__ = [
    "Answer",
    "Body",
    "Channel",
    "ChannelAnswer",
    "ChannelCreated",
    "ChannelList",
    "CreateChannel",
    "LidEntry",
    "SendReceipt",
    "SendText",
    "SetWebhook",
    "WebhookSet",
    "contact_id",
    "first_text",
    "message_id",
]
