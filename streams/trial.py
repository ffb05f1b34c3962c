"""What would become of an event by a configuration, and why, without anything being done."""

from typing import NamedTuple

from schemas.events import Event
from streams.configuration import Configuration
from streams.decisions import Outcome, decide
from streams.explanation import Considered, explain


class Trial(NamedTuple):
    """An event with what became of each rule and what was decided."""

    event: Event
    considered: list[Considered]
    outcome: Outcome


def attempt(event: Event, configuration: Configuration) -> Trial:
    """Decide as the router does about an event that it sees for the first time, and explain it."""
    return Trial(event, explain(configuration.rules.rules, event), decide(event, configuration))
