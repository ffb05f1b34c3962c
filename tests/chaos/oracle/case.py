"""A history, with what belongs together found."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from tests.chaos.history import Entry, History, Input

GOING: Final = frozenset({"queued", "attempting", "retrying", "parked"})
"""States in which the sender still has something to do."""
REACHED: Final = {"sent": 1, "delivered": 2, "read": 3, "played": 4}
NOT_SENT: Final = frozenset({"failed", "expired", "suppressed", "cancelled"})
DOUBT: Final = frozenset({"in_doubt"})


class Case:
    """A history, with what belongs together found."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.events = _by(history.accepted, lambda value: value["idempotency_key"])
        self.by_raw = _by(history.accepted, lambda value: place(value["raw"]))
        self.commands = _by(history.commands, lambda value: value["command_id"])
        self.facts = _by(history.facts, lambda value: value["command_id"])
        self.delivered: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for message in history.delivered:
            self.delivered[command_of(message)].append(message)
        self.inputs: defaultdict[str, list[Input]] = defaultdict(list)
        for given in history.inputs:
            self.inputs[given.external_id].append(given)

    def accepted_of(self, external_id: str) -> list[Entry]:
        """What event.accepted says about an input's event."""
        return [entry for entry in self.history.accepted if entry.value.get("external_id") == external_id]

    def said(self, command_id: str) -> set[str]:
        """The facts of a command."""
        return {entry.value["fact"] for entry in self.facts.get(command_id, ())}

    def status(self, command_id: str) -> str:
        """The state after its last fact."""
        facts = self.facts.get(command_id, ())
        return str(facts[-1].value["status"]) if facts else "unknown"

    def first_deliveries(self) -> Iterator[str]:
        """The commands in the order in which each was delivered for the first time."""
        seen = set()
        for message in self.history.delivered:
            command_id = command_of(message)
            if command_id not in seen:
                seen.add(command_id)
                yield command_id

    def line_of(self, command_id: str) -> str:
        """The facts of a command and the state after each, for a person."""
        facts = self.facts.get(command_id, ())
        return " ".join(f"{e.value['fact']}({e.value.get('attempt', 0)})->{e.value['status']}" for e in facts)


def command_of(message: Mapping[str, Any]) -> str:
    """The command that a delivered message names; empty where it names none."""
    return str((message["metadata"] or {}).get("command_id", ""))


def place(raw: Mapping[str, Any]) -> str:
    """Coordinates as `Entry.where` has them."""
    return f"{raw['topic']}/{raw['partition']}@{raw['offset']}"


def _by(entries: Sequence[Entry], key: Callable[[Any], str]) -> dict[str, list[Entry]]:
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: (entry.topic, entry.partition, entry.offset)):
        found[key(entry.value)].append(entry)
    return dict(found)
