"""The agent on batches, and what a poster makes of a target's answers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from adapters.targets import Answered, TargetBusyError, TargetRefusedError
from agents.http import LARGEST_COMMAND, Bounds, Poster, build
from schemas.configuration import Target
from schemas.events import Action
from schemas.http_actions import HttpCommand, HttpFact
from schemas.mutes import Mute, MuteCause
from streams import keys, topics
from streams.errands.errand import Answer, Done, Errand, NotYet
from streams.mutes import Mutes
from streams.runtime import Batch
from streams.talks import Talks
from tests.agents.consumed import Consumed
from tests.streams.errands.world import Table
from tests.streams.test_decisions import RECEIVED
from tests.streams.test_http_actions import RULE, command

TARGET = Target(id="responder", url="https://ai.example/answer", version=1)
REPLY = b'{"replies": [{"text": "Oi"}]}'
BOUNDS = Bounds(key="k", depth=3, most_answers=2, within=timedelta(minutes=10), patience=timedelta(minutes=5))
SECOND = timedelta(seconds=1)


class Way:
    """Answers with what it is given, in turn; the last one again and again."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.posts: list[Mapping[str, str]] = []
        self.meanwhile: Any = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], within: float, /) -> Answered:
        self.posts.append(headers)
        if self.meanwhile:
            self.meanwhile()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Answered(200, answer)


class World:
    """A poster with all that it is given."""

    def __init__(self, *answers: bytes | Exception, bounds: Bounds = BOUNDS) -> None:
        self.way, self.table, self.mutes = Way(*answers), Table(), Mutes()
        self.targets: dict[str, Target] = {TARGET.id: TARGET}
        self.now = RECEIVED + SECOND
        self.poster = Poster(self.way, Talks(self.table), self.mutes, self.targets.get, bounds, lambda: self.now)

    async def attempt(self, asked: HttpCommand, attempts: int = 0) -> Answer:
        errand = await errand_of(asked)
        return await self.poster.attempt(msgspec.structs.replace(errand, attempts=attempts))

    def person_writes(self, at: Any = None) -> None:
        since = at or self.now
        self.mutes.hear(
            Mute(
                conversation_id="canalum:554799990001",
                cause=MuteCause.HUMAN,
                since=since,
                until=since + timedelta(hours=1),
            )
        )


def posted(asked: HttpCommand, **changes: Any) -> Consumed:
    return Consumed(msgspec.json.encode(asked), topics.COMMAND_HTTP, offset=7, key=b"responder", partition=3, **changes)


class Errands:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.taken: dict[int, list[Errand]] = {}

    async def take(self, incoming: Mapping[int, Sequence[Errand]]) -> None:
        self.taken = {partition: list(errands) for partition, errands in incoming.items()}


async def run(*records: Consumed) -> tuple[list[Errand], list[dict[str, bytes]]]:
    errands = Errands()
    batch = Batch("http", records, {topics.DEAD_LETTER: 1}, None)
    await build(errands)(batch)  # type: ignore[arg-type]
    taken = [errand for each in errands.taken.values() for errand in each]
    return taken, [dict(out.headers) for out in batch.outputs[topics.DEAD_LETTER, 0]]


async def errand_of(asked: HttpCommand) -> Errand:
    [errand], _ = await run(posted(asked))
    return errand


def fact(answer: Answer) -> HttpFact:
    """The fact that a try is on record with, the last of what it publishes."""
    emission = answer.emissions[-1]
    assert (emission.topic, emission.key) == (topics.HTTP_STATUS, b"responder")
    return msgspec.json.decode(emission.value, type=HttpFact)


def events(answer: Answer) -> list[dict[str, Any]]:
    return [msgspec.json.decode(one.value) for one in answer.emissions if one.topic == topics.RAW_EVENT]


async def test_a_command_is_an_errand_and_what_cannot_be_read_is_a_dead_letter() -> None:
    asked = command()
    taken, rejected = await run(
        posted(asked), Consumed(b"{", topics.COMMAND_HTTP), Consumed(b"x" * (LARGEST_COMMAND + 1), topics.COMMAND_HTTP)
    )
    assert [(errand.channel, errand.trace_id) for errand in taken] == [("responder", "t")]
    assert [letter["error_class"] for letter in rejected] == [b"DecodeError", b"RecordTooLargeError"]


async def test_a_replayed_command_is_not_posted() -> None:
    assert (await run(posted(command(), headers=[("replay", b"r")]))) == ([], [])


async def test_an_answer_makes_events_and_a_fact() -> None:
    world = World(REPLY)
    answer = await world.attempt(command())
    assert isinstance(answer, Done)
    assert [event["payload"]["text"] for event in events(answer)] == ["Oi"]
    said = fact(answer)
    assert (said.status, said.attempt, said.http_status, said.replies) == ("answered", 1, 200, 1)


async def test_every_try_has_the_same_webhook_id() -> None:
    world = World(TargetBusyError("timeout", "no answer"), REPLY)
    await world.attempt(command())
    await world.attempt(command(), attempts=1)
    assert [post["webhook-id"] for post in world.way.posts] == [command().command_id] * 2


@pytest.mark.parametrize(
    ("trace_id", "header"),
    [("0af7651916cd43dd/1%", "0af7651916cd43dd/1%"), ("pedido-é 1", "pedido-%C3%A9%201"), (" x ", "%20x%20")],
)
async def test_the_header_of_the_trace_has_nothing_that_a_header_cannot_hold(trace_id: str, header: str) -> None:
    world = World(REPLY)
    asked = command()
    event = msgspec.structs.replace(asked.event, trace_id=trace_id)
    await world.attempt(msgspec.structs.replace(asked, event=event))
    assert [post["X-Request-Id"] for post in world.way.posts] == [header]


async def test_a_command_that_comes_again_tells_the_first_answer_once_more_and_asks_nobody() -> None:
    world = World(REPLY, b'{"replies": [{"text": "Outra coisa"}, {"text": "e mais"}]}')
    first = await world.attempt(command())
    again = await world.attempt(command())
    assert events(again) == events(first)
    assert len(world.way.posts) == 1


async def test_a_crash_before_the_answer_is_remembered_tells_nobody_and_asks_again() -> None:
    world = World(REPLY)
    world.table.gate.clear()
    with pytest.raises(TimeoutError):
        await _within(world.attempt(command()))
    world.table.gate.set()
    assert len(events(await world.attempt(command()))) == 1
    assert len(world.way.posts) == 2


async def _within(work: Any) -> None:
    async with asyncio.timeout(0.01):
        await work


@pytest.mark.parametrize(
    ("error", "retry_after"),
    [(TargetBusyError("http_503", "answered 503", 503, 17.0), 17.0), (TargetBusyError("timeout", "no answer"), None)],
)
async def test_what_may_do_better_later_is_tried_again_and_on_record(
    error: TargetBusyError, retry_after: float | None
) -> None:
    answer = await World(error).attempt(command())
    assert isinstance(answer, NotYet)
    assert (answer.reason, answer.retry_after) == (error.reason, retry_after)
    assert (fact(answer).status, fact(answer).reason) == ("waiting", error.reason)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (TargetRefusedError("http_404", "answered 404", 404), "http_404"),
        (TargetRefusedError("address_refused", "is private"), "address_refused"),
        (b"<html>", "bad_answer"),
    ],
)
async def test_what_is_final_is_a_dead_letter_with_the_bytes_of_its_command(said: Any, reason: str) -> None:
    answer = await World(said).attempt(command())
    assert isinstance(answer, Done)
    letter = answer.emissions[0]
    assert (letter.topic, letter.value) == (topics.DEAD_LETTER, msgspec.json.encode(command()))
    told = dict(letter.headers)
    assert (told["stage"], told["source_topic"], told["source_partition"], told["source_offset"]) == (
        b"http",
        b"command.http",
        b"3",
        b"7",
    )
    assert (fact(answer).status, fact(answer).reason) == ("failed", reason)


async def test_what_no_try_helped_is_a_dead_letter_too() -> None:
    world = World(REPLY)
    errand = msgspec.structs.replace(await errand_of(command()), attempts=6)
    done = world.poster.give_up(errand, "timeout")
    assert done.emissions[0].topic == topics.DEAD_LETTER
    assert (fact(done).status, fact(done).attempt, fact(done).reason) == ("failed", 6, "timeout")


@pytest.mark.parametrize("what", ["unknown_target", "no_key"])
async def test_without_target_or_key_it_is_tried_again(what: str) -> None:
    world = World(REPLY, bounds=replace(BOUNDS, key="" if what == "no_key" else "k"))
    if what == "unknown_target":
        world.targets.clear()
    answer = await world.attempt(command())
    assert isinstance(answer, NotYet)
    assert answer.reason == what


async def dropped(world: World, asked: HttpCommand) -> str | None:
    """Why nothing was posted."""
    before = len(world.way.posts)
    said = fact(await world.attempt(asked))
    assert len(world.way.posts) == before
    assert (said.status, said.attempt) == ("dropped", 0)
    return said.reason


async def test_an_event_to_which_too_many_answers_led_is_not_posted() -> None:
    world = World(REPLY)
    assert await dropped(world, command(metadata={"depth": 3})) == "loop"
    assert fact(await world.attempt(command(metadata={"depth": 2}))).status == "answered"


async def test_a_conversation_with_too_many_answers_rests_until_they_are_old() -> None:
    world = World(REPLY)
    for name in "ab":
        assert fact(await world.attempt(_other(name))).status == "answered"
    assert await dropped(world, _other("c")) == "too_many_answers"
    assert fact(await world.attempt(_other("d", conversation_id="canalum:554799990002"))).status == "answered"
    world.now += timedelta(minutes=11)
    late = msgspec.structs.replace(_other("e"), created_at=world.now)
    assert fact(await world.attempt(late)).status == "answered"


def _other(name: str, **changes: Any) -> HttpCommand:
    return msgspec.structs.replace(command(), command_id=keys.command_id(keys.event_id(name), "ai"), **changes)


async def test_a_question_is_of_no_use_after_its_time() -> None:
    world = World(REPLY)
    world.now = RECEIVED + timedelta(minutes=5)
    assert await dropped(world, command()) == "expired"
    http = command(msgspec.structs.replace(RULE, action=Action.HTTP))
    assert fact(await world.attempt(http)).status == "answered"
    ends = command(msgspec.structs.replace(RULE, action=Action.HTTP, ttl_seconds=60))
    assert await dropped(world, msgspec.structs.replace(ends, command_id=_other("ends").command_id)) == "expired"


async def test_a_target_that_is_disabled_gets_nothing() -> None:
    world = World(REPLY)
    world.targets["responder"] = msgspec.structs.replace(TARGET, is_enabled=False)
    assert await dropped(world, command()) == "target_disabled"


async def test_an_ai_is_not_asked_while_a_person_has_the_word_and_a_program_is() -> None:
    world = World(REPLY)
    world.person_writes(RECEIVED - SECOND)
    assert await dropped(world, command()) == "muted_by_human"
    http = command(msgspec.structs.replace(RULE, action=Action.HTTP))
    assert fact(await world.attempt(http)).status == "answered"


async def test_an_answer_that_comes_after_a_person_wrote_is_dropped_and_on_record() -> None:
    world = World(REPLY)
    world.way.meanwhile = world.person_writes
    answer = await world.attempt(command())
    assert events(answer) == []
    said = fact(answer)
    assert (said.status, said.reason, said.attempt, said.http_status) == ("dropped", "human_replied", 1, 200)


async def test_a_handoff_tells_the_sender_first_and_then_what_was_said() -> None:
    answer = await World(b'{"replies": [{"text": "Oi"}], "handoff": true}').attempt(command())
    assert [one.topic for one in answer.emissions] == [
        topics.DELIVERY_EVIDENCE,
        topics.RAW_EVENT,
        topics.RAW_EVENT,
        topics.HTTP_STATUS,
    ]
    assert answer.emissions[0].key == b"canalum"
    assert fact(answer).handoff
