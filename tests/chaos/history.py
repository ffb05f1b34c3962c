"""What the oracle looks at: the inputs of a run, and all that the system and the gateway have on record about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass
class Input:
    """One event that a producer sent, perhaps several times until it was told that it is kept."""

    external_id: str
    channel: str
    contact: str
    text: str
    policy: str | None
    may_expire: bool = False
    is_ordered: bool = False
    is_kept: bool = False
    answers: list[str] = field(default_factory=list)


@dataclass
class Typed:
    """One message whose webhook was posted. `key` is the stable part of its id."""

    channel: str
    key: str
    text: str
    from_me: bool
    is_kept: bool = False
    answers: list[str] = field(default_factory=list)


class Entry(NamedTuple):
    """One record of a topic: where it lies, and its JSON."""

    topic: str
    partition: int
    offset: int
    value: Any

    @property
    def where(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"


@dataclass
class History:
    """All that is known after a run.

    `delivered`: the gateway's record of what it gave to WhatsApp, in its order. `rows`: the table of outbound messages
    as MySQL has it, by command. `differences`: where the tables differ from those that the topics give. `lag`: records
    that nobody had carried out in the end.
    """

    inputs: Sequence[Input]
    typed: Sequence[Typed]
    raw: Sequence[Entry] = ()
    accepted: Sequence[Entry] = ()
    commands: Sequence[Entry] = ()
    facts: Sequence[Entry] = ()
    dead: Sequence[Entry] = ()
    delivered: Sequence[Mapping[str, Any]] = ()
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    differences: Sequence[str] = ()
    lag: Mapping[str, int] = field(default_factory=dict)
    unsettled: Sequence[str] = ()
