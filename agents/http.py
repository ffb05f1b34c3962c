"""Events to targets: posts what `ai` and `http` actions ask for, and turns each answer into events."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from urllib.parse import quote

import msgspec

from adapters.targets import Answered, TargetBusyError, TargetError
from schemas import headers
from schemas.configuration import Target
from schemas.events import Action
from schemas.http_actions import HttpCommand
from schemas.mutes import Mute
from streams import http_actions, topics
from streams.errands.errand import Answer, Done, Errand
from streams.errands.errands import Errands
from streams.http_actions import AnswerError
from streams.posts import Kept, Said
from streams.runtime import AgentFunction, Batch, Record, RecordTooLargeError
from streams.runtime.dead_letters import header
from streams.sending.book import command_key
from streams.signatures import signed_headers
from streams.talks import Talks

SOURCES: Final = (topics.COMMAND_HTTP,)
OUTPUTS: Final = ()

LARGEST_COMMAND: Final = 900_000
"""Bytes: a larger command might not fit, with what is added to it, into the table."""

_VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))

_decode_command = msgspec.json.Decoder(HttpCommand).decode


def build(errands: Errands) -> AgentFunction:
    """The agent: makes an errand of each command; a replayed one is not posted again."""

    async def agent(batch: Batch) -> None:
        incoming: defaultdict[int, list[Errand]] = defaultdict(list)
        for record in batch.records:
            if header(record.headers, headers.REPLAY) is not None:
                continue
            try:
                incoming[record.partition].append(_errand(record))
            except (ValueError, RecursionError, RecordTooLargeError) as error:
                batch.reject(record, error)
        await errands.take(incoming)

    return agent


def _errand(record: Record) -> Errand:
    value = record.value or b""
    if len(value) > LARGEST_COMMAND:
        raise RecordTooLargeError(topics.COMMAND_HTTP, len(value), LARGEST_COMMAND)
    command = _decode_command(value)
    return Errand(
        id=command_key(command.command_id),
        channel=command.target,
        body=Kept.of(record).written(),
        due=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        trace_id=command.event.trace_id,
    )


class Way(Protocol):
    """The way to targets (`adapters.targets.Targets`)."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], within: float, /) -> Answered: ...


class Quiet(Protocol):
    """Who has the word in a conversation (`streams.mute_feed.MuteFeed`)."""

    def reason(
        self, conversations: Sequence[str | None], asked_at: datetime, event_id: str | None, now: datetime
    ) -> str | None: ...

    def hear(self, mute: Mute) -> object: ...


@dataclass(frozen=True)
class Bounds:
    """Where an action ends. `key`: the hub's own, of which secrets are made; `patience` is how long a question counts.

    An event that `depth` answers led to is not posted; nor is one of a conversation with `most_answers` in `within`.
    """

    key: str
    depth: int
    most_answers: int
    within: timedelta
    patience: timedelta


class Poster:
    """Posts one event, and says what the answer brings about; `talks` remembers an answer before anybody hears of it.

    So a command that is done twice, by a crash or a record that comes again, brings about the same events twice, which
    the router tells by their keys: nobody gets two replies.
    """

    def __init__(
        self,
        way: Way,
        talks: Talks,
        quiet: Quiet,
        targets: Callable[[str], Target | None],
        bounds: Bounds,
        now: Callable[[], datetime],
    ) -> None:
        self._way = way
        self._talks = talks
        self._quiet = quiet
        self._targets = targets
        self._bounds = bounds
        self._now = now

    async def attempt(self, errand: Errand, /) -> Answer:
        """Post once, unless it was answered before or must not be."""
        kept = Kept.read(errand.body)
        command = _decode_command(kept.value)
        said = Said(command, errand.attempts + 1, self._now)
        answer = self._talks.answer(kept.partition, command)
        status, seconds = None, None
        if answer is None:
            if reason := self._why_not(kept, command):
                return said.dropped(reason, attempt=errand.attempts)
            target = self._targets(command.target)
            if target is None:
                return said.not_yet("unknown_target", f"there is no target {command.target!r}")
            if not self._bounds.key:
                return said.not_yet("no_key", "POSTO_TARGET_KEY is not set: nothing can be signed")
            if not target.is_enabled:
                return said.dropped("target_disabled", attempt=errand.attempts)
            began = self._now()
            try:
                status, body = await self._post(target, command)
                answer = http_actions.answer_of(body)
                list(http_actions.events_of(command, answer))
            except TargetBusyError as error:
                return said.not_yet(error.reason, str(error), error.status, error.retry_after)
            except TargetError as error:
                return said.failed(kept, error.reason, str(error), error.status)
            except AnswerError as error:
                return said.failed(kept, "bad_answer", str(error), status)
            seconds = (self._now() - began).total_seconds()
            await self._talks.remember(kept.partition, command, answer, self._now())
        if reason := self._is_quiet(command):
            return said.dropped(reason, status=status, seconds=seconds)
        return said.answered(answer, status, seconds)

    def give_up(self, errand: Errand, reason: str, /) -> Done:
        """No try helped: it is a dead letter."""
        kept = Kept.read(errand.body)
        said = Said(_decode_command(kept.value), errand.attempts, self._now)
        return said.failed(kept, reason, f"gave up after {errand.attempts} tries: {reason}", None)

    async def _post(self, target: Target, command: HttpCommand) -> Answered:
        body = http_actions.body_of(command)
        signed = signed_headers(self._bounds.key, target, command.command_id, body, self._now())
        named = {"User-Agent": "posto", "X-Request-Id": quote(command.event.trace_id, safe=_VISIBLE)}
        return await self._way.post(target.url, body, named | signed, target.timeout_seconds)

    def _why_not(self, kept: Kept, command: HttpCommand) -> str | None:
        """Why nothing is posted; None where something is."""
        now = self._now()
        if command.expires_at is not None and command.expires_at <= now:
            return "expired"
        if command.action is Action.AI and command.created_at + self._bounds.patience <= now:
            return "expired"
        if command.depth >= self._bounds.depth:
            return "loop"
        if self._talks.answers(kept.partition, command, now - self._bounds.within) >= self._bounds.most_answers:
            return "too_many_answers"
        return self._is_quiet(command)

    def _is_quiet(self, command: HttpCommand) -> str | None:
        if command.action is not Action.AI:
            return None
        named = (command.conversation_id,)
        return self._quiet.reason(named, command.created_at, command.event.event_id, self._now())
