"""Faults on request: what goes wrong, where, how often, and which calls it hits."""

from enum import StrEnum
from random import Random
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Route(StrEnum):
    """What a fault can be tied to: the routes of the gateway's API, and the messages that `/_sim/inbound` makes."""

    LIST_CHANNELS = "list_channels"
    CREATE_CHANNEL = "create_channel"
    GET_CHANNEL = "get_channel"
    QR = "qr"
    MESSAGES = "messages"
    MEDIA = "media"
    GLOBAL_WEBHOOK = "global_webhook"
    CHANNEL_WEBHOOK = "channel_webhook"
    PN_LID = "pn_lid"
    INBOUND = "inbound"


class FaultKind(StrEnum):
    """What can go wrong. The first group changes the answer, the second what is emitted, the third the answer's id."""

    HTTP_302 = "http_302"
    HTTP_400 = "http_400"
    HTTP_401 = "http_401"
    HTTP_401_BASIC = "http_401_basic"
    HTTP_403 = "http_403"
    HTTP_404 = "http_404"
    HTTP_422 = "http_422"
    HTTP_429 = "http_429"
    HTTP_500 = "http_500"
    HTTP_502 = "http_502"
    HTTP_503 = "http_503"
    HTTP_504 = "http_504"
    INVALID_QR = "invalid_qr"
    QR_NOT_READY = "qr_not_ready"
    EMPTY_BODY = "empty_body"
    NOT_JSON = "not_json"
    SUCCESS_FALSE = "success_false"
    NUMBER_NOT_FOUND = "number_not_found"
    HANG = "hang"
    DROP = "drop"

    DUPLICATES = "duplicates"
    CIPHERTEXT_FIRST = "ciphertext_first"
    ACKS_REVERSED = "acks_reversed"
    ACK_FAILED = "ack_failed"
    NO_ACKS = "no_acks"
    NO_ECHO = "no_echo"
    ECHO_FIRST = "echo_first"

    MESSAGE_ID_NULL = "message_id_null"

    @property
    def changes_answer(self) -> bool:
        """Whether the caller gets this instead of the answer it would have got."""
        return self in _ANSWERS


_EMISSIONS = frozenset(
    {
        FaultKind.DUPLICATES,
        FaultKind.CIPHERTEXT_FIRST,
        FaultKind.ACKS_REVERSED,
        FaultKind.ACK_FAILED,
        FaultKind.NO_ACKS,
        FaultKind.NO_ECHO,
        FaultKind.ECHO_FIRST,
    }
)
_ANSWERS = frozenset(FaultKind) - _EMISSIONS - {FaultKind.MESSAGE_ID_NULL}
_ABOUT_QR = frozenset({FaultKind.INVALID_QR, FaultKind.QR_NOT_READY})
_DELIVERING = frozenset({FaultKind.HANG, FaultKind.NUMBER_NOT_FOUND})


class Fault(BaseModel):
    """One fault, as `POST /_sim/faults` takes it.

    `route` and `channel` (exact spelling) and `to` (digits) say which calls it may hit, None meaning any; `count` how
    many it hits before it is spent (None: no end); `probability` each such call's chance, from a generator of its own
    seeded with `seed`. `delay_seconds` passes before the answer, whatever it is. `delivered`: the message goes out all
    the same, with its echo and acks (of itself so for `hang` and `number_not_found`). `retry_after` is sent as it is.
    `times` is how often `duplicates` emits each webhook.
    """

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    route: Route | None = Route.MESSAGES
    channel: str | None = None
    to: str | None = None
    count: Annotated[int, Field(ge=1)] | None = 1
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: int = 0
    delay_seconds: Annotated[float, Field(ge=0, le=3600)] = 0.0
    delivered: bool = False
    retry_after: str | int | None = None
    times: Annotated[int, Field(ge=1, le=100)] = 3

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, fault: object) -> object:
        if not isinstance(fault, dict):
            return fault
        route = Route.QR if fault.get("kind") in _ABOUT_QR else Route.MESSAGES
        return {"route": route, "delivered": fault.get("kind") in _DELIVERING, **fault}

    @model_validator(mode="after")
    def _needs_time(self) -> Self:
        if self.kind is FaultKind.HANG and not self.delay_seconds:
            raise ValueError("a hang needs delay_seconds")
        return self


class FaultBook:
    """The faults that are set, in the order in which they were."""

    def __init__(self) -> None:
        self._open: list[tuple[Fault, Random, int]] = []

    def add(self, fault: Fault) -> None:
        """Set one more."""
        self._open.append((fault, Random(fault.seed), 0))  # noqa: S311  # reproducible, not secret

    def clear(self) -> int:
        """Remove all; how many there were."""
        count = len(self._open)
        self._open.clear()
        return count

    def listed(self) -> list[dict[str, object]]:
        """Each fault that is not spent, with how often it has hit."""
        return [{**fault.model_dump(mode="json"), "hits": hits} for fault, _, hits in self._open]

    def take(self, route: Route, channel: str | None, to: str | None = None) -> list[Fault]:
        """The faults that hit this call: at most one that changes its answer, and every other that fits."""
        taken: list[Fault] = []
        for position, (fault, random, hits) in enumerate(self._open):
            answered = any(each.kind.changes_answer for each in taken)
            if (answered and fault.kind.changes_answer) or not _fits(fault, route, channel, to):
                continue
            if random.random() < fault.probability:
                taken.append(fault)
                self._open[position] = (fault, random, hits + 1)
        self._open = [entry for entry in self._open if entry[0].count is None or entry[2] < entry[0].count]
        return taken


def _fits(fault: Fault, route: Route, channel: str | None, to: str | None) -> bool:
    return (
        fault.route in (None, route)
        and fault.channel in (None, channel)
        and (fault.to is None or (to is not None and fault.to == to.partition("@")[0]))
    )


__all__ = ["Fault", "FaultBook", "FaultKind", "Route"]
