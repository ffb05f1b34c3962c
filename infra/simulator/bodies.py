"""Bodies that the simulator takes: those of the gateway's API and those of its own `/_sim` routes."""

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from starlette.requests import Request

from infra.simulator.state import ChannelStatus

BodyT = TypeVar("BodyT", bound=BaseModel)
Filled = Annotated[str, Field(min_length=1, max_length=200)]

MAX_BODY_BYTES = 33_554_432


class BadBody(Exception):  # noqa: N818  # names what came in
    """A body that is not what the route takes; `status` and one sentence in `args[0]`."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Outgoing(BaseModel):
    """`POST /api/messages`: `text` is required, even empty, beside media; unknown fields are ignored."""

    channel: Filled
    to: Filled
    text: Annotated[str, Field(max_length=65_536)]
    type: Literal["text", "chat", "audio", "image", "video", "document"] = "text"
    metadata: JsonValue = None
    base64: str | None = None
    base64Ptt: str | None = None  # noqa: N815  # the gateway's name
    url: str | None = None
    caption: str | None = None
    fileName: str | None = None  # noqa: N815  # the gateway's name


class NewChannel(BaseModel):
    """`POST /api/channels`."""

    channel: Filled


class NewWebhook(BaseModel):
    """Both webhook calls."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+")]
    secret: str | None = None


class _Control(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Inbound(_Control):
    """`POST /_sim/inbound`: a message of a contact, or (`from_me`) one typed on the channel's own phone to `from`."""

    channel: Filled = "Canal Um"
    sender: Annotated[Filled, Field(alias="from")]
    text: Annotated[str, Field(max_length=16_777_216)] = "oi"
    name: str = "Contato A"
    type: Filled = "chat"
    id: str | None = None
    timestamp: float | None = None
    from_me: bool = False
    media_base64: str | None = None
    mime_type: str = "application/octet-stream"


class ChannelState(_Control):
    """`POST /_sim/channels`: the state of a channel, made where there is none of that id."""

    id: Filled
    status: ChannelStatus
    emit: bool = True


class Scan(_Control):
    """`POST /_sim/scan`: the text of the QR code that the phone's camera sees."""

    code: Annotated[str, Field(min_length=1, max_length=4_000)]


class Link(_Control):
    """`POST /_sim/lids`: what `GET /api/{channel}/contact/pn-lid/{lid}` will say."""

    lid: Annotated[str, Field(pattern=r"^\d{14,20}(@lid)?$")]
    phone: Annotated[str, Field(pattern=r"^\d{8,15}$")]


class Playback(_Control):
    """`POST /_sim/play`: bodies in order, `rate` a second (None: as fast as they are answered)."""

    bodies: list[Any]
    rate: Annotated[float, Field(gt=0, le=100_000)] | None = None
    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+")] | None = None


async def read_json(request: Request) -> Any:
    """The JSON of a request; BadBody with 400 or 413."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            raise BadBody(413, f"The body is larger than {MAX_BODY_BYTES} bytes.")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise BadBody(400, "The body is not JSON.") from None


def checked(body_type: type[BodyT], value: Any, status: int) -> BodyT:
    """The body as its model; BadBody with that status names the first wrong field."""
    try:
        return body_type.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "body"
        raise BadBody(status, f"{field}: {first['msg']}") from None


__all__ = [
    "BadBody",
    "ChannelState",
    "Inbound",
    "Link",
    "NewChannel",
    "NewWebhook",
    "Outgoing",
    "Playback",
    "Scan",
    "checked",
    "read_json",
]
