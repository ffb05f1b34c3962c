"""How rules look to people and to scripts: the list of them, and the trial of an event."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from schemas.configuration import Rule
from schemas.events import Action, Kind
from streams.explanation import Considered, Fate
from streams.standing import Standing
from streams.trial import Trial

_SIGNS = {Fate.WINS: "✓", Fate.BEATEN: "·"}


def listed(standings: Iterable[Standing]) -> Iterator[str]:
    """A line for each rule, and the reason below where it is not in force as written."""
    yield f"{'rule':<32} {'version':>7}  {'state':<9} {'action':<9} event type"
    for standing in standings:
        rule = standing.entry
        if not isinstance(rule, Rule):
            yield f"{standing.id:<32} {'':>7}  {standing.state:<9}"
        else:
            about = [rule.event_type, f"of {rule.source_system}" if rule.source_system else ""]
            about += [f"by {rule.template}" if rule.template else "", "with conditions" if rule.conditions else ""]
            said = " ".join(filter(None, about))
            yield f"{standing.id:<32} {rule.version or '':>7}  {standing.state:<9} {rule.action:<9} {said}"
        if standing.reason:
            yield f"  {standing.reason}"


def told(trial: Trial) -> Iterator[str]:
    """The trial of an event, line by line."""
    event, decision = trial.event, trial.outcome.decision
    yield f"event     {event.event_type} of {event.source_system}, key {event.idempotency_key}"
    for one in trial.considered:
        yield from _considered(one)
    if not trial.considered:
        yield "  no rule is for such an event"
    about = [("tenant", decision.tenant_id), ("channel", decision.channel)]
    where = "".join(f", {name} {value}" for name, value in about if value is not None)
    yield f"decision  {trial.outcome.kind}: {decision.action}{where}"
    if decision.reason:
        yield f"  {decision.reason}"
    if (command := trial.outcome.command) is not None:
        template = f" by template {command.template} v{command.template_version}" if command.template else ""
        until = f", not after {command.expires_at:%Y-%m-%d %H:%M:%S} UTC" if command.expires_at else ""
        yield f"message   to {command.to}{template}, {len(command.text)} characters{until}"
        yield from (f"  {line}".rstrip() for line in command.text.splitlines())


def as_json(trial: Trial) -> dict[str, Any]:
    """The same for scripts."""
    outcome = trial.outcome
    considered = [
        {**msgspec.to_builtins(one), "rule": one.rule.id, "version": one.rule.version} for one in trial.considered
    ]
    return {
        "event": msgspec.to_builtins(trial.event),
        "rules": considered,
        "kind": outcome.kind,
        "decision": msgspec.to_builtins(outcome.decision),
        "command": msgspec.to_builtins(outcome.command),
    }


def is_carried_out(trial: Trial) -> bool:
    """Whether a rule applies and what it wants can be done."""
    return trial.outcome.kind is Kind.ACCEPTED and trial.outcome.decision.action in set(Action)


def _considered(one: Considered) -> Iterator[str]:
    version = f" v{one.rule.version}" if one.rule.version else ""
    verb = {Fate.WINS: "wins", Fate.BEATEN: "matches too"}.get(one.fate, "no")
    yield f"  {_SIGNS.get(one.fate, '✗')} {one.rule.id}{version}: {verb}, {one.reason}"
    for part in one.unmet:
        yield f"      {part.place}: wanted {_brief(part.wanted)}, found {_brief(part.found)}"


def _brief(value: Any) -> str:
    return msgspec.json.encode(value).decode()[:200]
