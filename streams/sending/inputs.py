"""What can happen to a command: the inputs of the state machine."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from schemas.commands import Command
from schemas.deliveries import AckStatus, OperatorDecision
from schemas.events import Coordinates


@dataclass(frozen=True, slots=True)
class Take:
    """A command came in."""

    command: Command


@dataclass(frozen=True, slots=True)
class Replay:
    """A command came in that says of itself that it is a replay."""

    command: Command


@dataclass(frozen=True, slots=True)
class Wake:
    """A moment that the command had waited for has come."""


@dataclass(frozen=True, slots=True)
class Start:
    """It is the command's turn, and there is room for one more request."""


@dataclass(frozen=True, slots=True)
class Park:
    """Its channel or the gateway is down, for this reason; its turn comes once that is over."""

    reason: str


@dataclass(frozen=True, slots=True)
class Orphan:
    """A new owner of the partition found it; nobody waits for the answer of an open attempt any more."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The gateway took the message of an attempt, and may have named it."""

    attempt: int
    provider_message_id: str | None = None
    reason: str | None = None
    evidence: Coordinates | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """An attempt surely sent nothing and may be repeated, after `retry_after` seconds where the gateway said so."""

    attempt: int
    reason: str
    message: str | None = None
    http_status: int | None = None
    retry_after: float | None = None
    evidence: Coordinates | None = None


@dataclass(frozen=True, slots=True)
class Down:
    """An attempt surely sent nothing, since its channel or the gateway is down: it is to be repeated after that."""

    attempt: int
    reason: str
    message: str | None = None
    http_status: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The gateway refused the message of an attempt for good."""

    attempt: int
    reason: str
    message: str | None = None
    http_status: int | None = None
    evidence: Coordinates | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nobody knows whether an attempt sent its message."""

    attempt: int
    reason: str
    message: str | None = None
    http_status: int | None = None
    evidence: Coordinates | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """The look right before the request forbade it: the channel is not what it was when the command was made."""

    attempt: int
    reason: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Late:
    """The look right before the request found that the command's time is over."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Moot:
    """Right before the request, its message made no sense any more: for this reason."""

    attempt: int
    reason: str = "precondition"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The partition was being handed over right before the request: its next owner makes it."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Ack:
    """WhatsApp reported a state of a message that is known to be the command's."""

    attempt: int
    ack: AckStatus
    at: datetime
    evidence: Coordinates | None = None


@dataclass(frozen=True, slots=True)
class Echo:
    """The gateway showed the message of an attempt as an own one."""

    attempt: int
    provider_message_id: str
    at: datetime
    evidence: Coordinates | None = None


@dataclass(frozen=True, slots=True)
class Decide:
    """An operator decided what becomes of it, having seen so many attempts; `command` where its text had been let go.

    `why` is for those who ask later.
    """

    decision: OperatorDecision
    by: str
    why: str
    attempt: int
    evidence: Coordinates | None = None
    command: Command | None = None


def request_id(command_id: str, attempt: int) -> str:
    """The id under which the gateway gets the request of an attempt."""
    return f"{command_id}:{attempt}"


Answer: TypeAlias = Sent | NotSent | Down | Refused | Unclear | Withheld | Late | Moot | Withdrawn
"""What became of an attempt, as far as its sender knows."""

Input: TypeAlias = Take | Replay | Wake | Start | Park | Orphan | Answer | Ack | Echo | Decide
