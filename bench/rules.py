"""What it costs to choose among 1,000 rules, beside what it costs to read the event's JSON at all."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec

from bench.result import Result
from bench.timing import microseconds
from schemas.configuration import Rule
from schemas.events import Action, Event
from streams.normalization import events
from streams.normalization.raw import RawRecord
from streams.routing import RuleSet

CHOICE_US: Final = 10.0
RULES: Final = 1_000

_DECODE: Final = msgspec.json.Decoder(Event).decode


async def measure(*, quick: bool) -> list[Result]:
    """Each event meets the last rule that it can, after all others said no; checked."""
    results = []
    for name, rules, event, limit in _cases():
        chooser = RuleSet(rules)
        assert chooser.choose(event) == rules[-1], name
        calls = 200 if limit is None else 20_000
        choice = microseconds(partial(chooser.choose, event), calls // (10 if quick else 1))
        decoded = microseconds(partial(_DECODE, msgspec.json.encode(event)), 20_000 // (10 if quick else 1))
        results += [
            Result("rules", f"{RULES:,} rules, {name}, each event", choice, "us", at_most=limit),
            Result("rules", f"{RULES:,} rules, {name}, beside msgspec.json.decode", choice / decoded, "times"),
        ]
    compiled = microseconds(partial(RuleSet, _cases()[0][1]), 1 if quick else 5) / 1000
    return [*results, Result("rules", f"{RULES:,} rules compiled, once per change", compiled, "ms")]


def _cases() -> list[tuple[str, Sequence[Rule], Event, float | None]]:
    numbers = range(RULES)
    many_types = [_rule(n, f"type{n // 4}.of.event", {"payload.amount": {"$gt": 40 - n % 4 * 10}}) for n in numbers]
    one_field = [_rule(n, "a.b", {"payload.plan": f"p{n}", "payload.amount": {"$lt": 100}}) for n in numbers]
    all_asked = [_rule(n, "a.b", {"payload.amount": {"$gt": RULES - n}}) for n in numbers]
    return [
        ("4 of each event type", many_types, _event("type249.of.event", amount=15), CHOICE_US),
        ("all of one event type, told apart by a field", one_field, _event("a.b", plan="p999", amount=50), CHOICE_US),
        ("all of one event type, each asked for an amount", all_asked, _event("a.b", amount=1.5), None),
    ]


def _rule(number: int, event_type: str, conditions: dict[str, Any]) -> Rule:
    return Rule(id=f"r{number:04}", event_type=event_type, action=Action.NONE, conditions=conditions)


def _event(event_type: str, **payload: Any) -> Event:
    body = {"source_system": "bench", "event_type": event_type, "external_id": "1", "tenant_id": 1, "payload": payload}
    raw = RawRecord.of("raw.event", 0, 0, 1_768_512_936_000)
    return events.normalize(msgspec.json.encode(body), raw)
