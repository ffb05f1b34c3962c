"""Proposals: a change of rules and templates as it is looked at before it is saved, and what came of the look."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from schemas.configuration import Rule, Template

MOST_EVENTS: Final = 200_000
"""So many events are looked at, at most: each takes about a kilobyte of memory meanwhile."""
MOST_DIFFERENCES: Final = 1_000
LOOKED_AT: Final = 5_000
"""So many of the last events are looked at before a change is saved, and by a dry run that does not say how many."""
LISTED: Final = 20


class Proposal(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True, forbid_unknown_fields=True):
    """What somebody wants to be in force, in place of what has the same id, and what no more."""

    rules: tuple[Rule, ...] = ()
    templates: tuple[Template, ...] = ()
    deleted_rules: tuple[str, ...] = ()
    deleted_templates: tuple[str, ...] = ()


class Effect(StrEnum):
    """In what an event would end otherwise."""

    SENDS_MORE = "sends_more"
    """Something is sent where nothing is now."""
    SENDS_LESS = "sends_less"
    """Nothing is sent where something is now."""
    OTHER_TEXT = "other_text"
    """Something else is sent, or to somebody else."""
    OTHER_TERMS = "other_terms"
    """The same is sent at another pace, in another window, or for another time."""
    OTHER_TARGET = "other_target"
    """It is posted to another target."""
    OTHER_TEMPLATE = "other_template"
    OTHER_RULE = "other_rule"
    OTHER_ACTION = "other_action"
    REJECTED_MORE = "rejected_more"
    """It could not be carried out, and can now."""
    REJECTED_LESS = "rejected_less"
    """It can be carried out, and could not now."""


class Ending(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """What becomes of an event by one configuration."""

    kind: str
    action: str
    rule_id: str | None = None
    template: str | None = None
    target: str | None = None
    channel: str | None = None
    to: str | None = None
    text: str | None = None
    reason: str | None = None


class Difference(msgspec.Struct, kw_only=True, frozen=True):
    """An event that would end otherwise. `now` is by what is in force, `then` by the proposal."""

    event_id: str
    trace_id: str
    event_type: str
    source_system: str
    received_at: datetime
    effects: Sequence[Effect]
    now: Ending
    then: Ending


class Matches(msgspec.Struct, kw_only=True, frozen=True):
    """How many events a proposed rule applies to. `fits` counts those that it would take were it alone."""

    now: int
    then: int
    fits: int
    comes_after: Mapping[str, int]
    """The rules that come before it where it fits, with how many events each takes."""


class DangerCode(StrEnum):
    """Why a proposal is not saved unless somebody confirms that it is meant."""

    SENDS_TO_EVERYONE = "sends_to_everyone"
    SENDS_FAR_MORE = "sends_far_more"
    MATCHES_NOTHING = "matches_nothing"
    UNKNOWN_VARIABLE = "unknown_variable"
    REJECTS = "rejects"


class Danger(msgspec.Struct, kw_only=True, frozen=True):
    """One reason, and the rule or template that it is about, as `config.rule/id`."""

    code: DangerCode
    subject: str
    message: str


class DryRun(msgspec.Struct, kw_only=True, frozen=True):
    """What a proposal would change, by the last events. Nothing was done.

    `sending` counts the events for which the rules in force want something sent. `effects` counts every event that
    would end otherwise, by what would be other; `differences` has the newest of them.
    """

    events: int
    first_at: datetime | None
    last_at: datetime | None
    differing: int
    sending: int
    effects: Mapping[Effect, int]
    rules: Mapping[str, Matches]
    unknown_variables: Mapping[str, Sequence[str]]
    """Of each template that the proposal touches: what no event has that it would be rendered for."""
    first_rejection: str | None
    differences: Sequence[Difference]
    dangers: Sequence[Danger]


UNTRIED: Final = DryRun(
    events=0,
    first_at=None,
    last_at=None,
    differing=0,
    sending=0,
    effects={},
    rules={},
    unknown_variables={},
    first_rejection=None,
    differences=(),
    dangers=(),
)
"""Of a change that decides about no event."""
