"""What is published of a post to a target: a fact for each try, the events of its answer, or a dead letter. Pure."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, Self

import msgspec

from schemas import headers
from schemas.events import EventIn
from schemas.http_actions import HttpCommand, HttpFact, HttpStatus, TargetAnswer
from streams import http_actions, topics
from streams.envelope import headers_for
from streams.errands.errand import Done, Emission, NotYet
from streams.runtime.dead_letters import dead_letter
from streams.runtime.fetched import Record

_STAGE: Final = "http"
_SOURCE: Final = "posto"
_encode = msgspec.json.Encoder().encode


class PostFailedError(Exception):
    """No try helped, or none could: the error class under which a command lies among the dead letters."""


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """The body of an errand: the record of the command, so that it can become a dead letter, bytes and all."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, record: Record) -> Self:
        """Keep a record."""
        place = record.topic, record.partition, record.offset, record.timestamp
        return cls(*place, record.key, record.value or b"", tuple(record.headers))

    @classmethod
    def read(cls, body: bytes) -> Self:
        """The record in the body of an errand."""
        return msgspec.msgpack.decode(body, type=cls)

    def written(self) -> bytes:
        """The body of an errand."""
        return msgspec.msgpack.encode(self)


class Said:
    """What is published of a command: a fact, and what follows from it."""

    def __init__(self, command: HttpCommand, attempt: int, now: Callable[[], datetime]) -> None:
        self._command = command
        self._attempt = attempt
        self._now = now

    def answered(self, answer: TargetAnswer, status: int | None, seconds: float | None) -> Done:
        """The events of an answer, and the fact after them."""
        fact = self._fact(
            HttpStatus.ANSWERED,
            http_status=status,
            seconds=seconds,
            replies=len(answer.replies),
            handoff=answer.handoff,
        )
        return Done((*self._events(answer), fact))

    def dropped(
        self, reason: str, *, attempt: int | None = None, status: int | None = None, seconds: float | None = None
    ) -> Done:
        """Nothing follows, and the fact says why."""
        said = {} if attempt is None else {"attempt": attempt}
        return Done(
            (self._fact(HttpStatus.DROPPED, reason=reason, http_status=status, seconds=seconds, **said),), reason
        )

    def not_yet(self, reason: str, message: str, status: int | None = None, retry_after: float | None = None) -> NotYet:
        """Another try follows."""
        fact = self._fact(HttpStatus.WAITING, reason=reason, message=message, http_status=status)
        return NotYet(reason, retry_after, (fact,))

    def failed(self, kept: Kept, reason: str, message: str, status: int | None) -> Done:
        """A dead letter, and the fact after it."""
        letter = dead_letter(_STAGE, kept, PostFailedError(f"{reason}: {message}"))
        fact = self._fact(HttpStatus.FAILED, reason=reason, message=message, http_status=status)
        return Done(
            (Emission(topics.DEAD_LETTER, letter.key or b"", letter.value or b"", letter.headers), fact), reason
        )

    def _events(self, answer: TargetAnswer) -> Iterator[Emission]:
        command = self._command
        if answer.handoff and command.channel:  # first, so that what is asked meanwhile finds people in charge
            evidence = http_actions.handoff_of(command, self._now())
            told = self._headers("delivery.handoff")
            yield Emission(topics.DELIVERY_EVIDENCE, command.channel.encode(), _encode(evidence), told)
        for event in http_actions.events_of(command, answer):
            yield Emission(
                topics.RAW_EVENT, (event.ordering_key or "").encode(), _encode(event), self._raw_headers(event)
            )

    def _fact(self, status: HttpStatus, **said: Any) -> Emission:
        command = self._command
        fact = HttpFact(
            command_id=command.command_id,
            event_id=command.event.event_id,
            trace_id=command.event.trace_id,
            action=command.action,
            target=command.target,
            status=status,
            at=self._now(),
            created_at=command.created_at,
            tenant_id=command.tenant_id,
            channel=command.channel,
            conversation_id=command.conversation_id,
            **{"attempt": self._attempt, **said},
        )
        told = self._headers(f"{topics.HTTP_STATUS}.{status}")
        return Emission(topics.HTTP_STATUS, command.target.encode(), _encode(fact), told)

    def _raw_headers(self, event: EventIn) -> list[tuple[str, bytes]]:
        return [(headers.TRACE_ID, (event.trace_id or "").encode())]

    def _headers(self, kind: str) -> list[tuple[str, bytes]]:
        command = self._command
        return headers_for(
            id=f"{command.command_id}:{kind}:{self._attempt}",
            type=kind,
            source=_SOURCE,
            time=self._now(),
            trace_id=command.event.trace_id,
            tenant_id=command.tenant_id,
        )
