"""The configuration in force: what `config.*` says, compiled for use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import msgspec

from schemas.configuration import SENTINEL_KEY, WPP_GATEWAY, Change, Channel, Rule, Sentinel, Target, Template, Tenant
from schemas.events import Event
from streams import topics
from streams.routing import RuleSet
from streams.send_bounds import bounds_of, bounds_of_channel
from streams.templates import DEFAULT_TIME_ZONE, Rendered, TemplateSet, zone

Entry = Rule | Template | Channel | Target

ENTRIES: Final[Mapping[str, type[Entry]]] = {
    topics.CONFIG_CHANNEL: Channel,
    topics.CONFIG_TEMPLATE: Template,
    topics.CONFIG_TARGET: Target,
    topics.CONFIG_RULE: Rule,
}
"""What each topic holds, in the order in which it is published: nothing names what is not there yet."""


class Key(NamedTuple):
    """One entry's place: its topic, and the record key in it."""

    topic: str
    id: str

    def __str__(self) -> str:
        return f"{self.topic}/{self.id}"


class Record(Protocol):
    """A Kafka record, as far as the configuration looks at it."""

    @property
    def topic(self) -> str: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True)
class Published:
    """What the topics say: a fold over their records.

    `versions` has the highest version that each key ever had, deleted ones included. `faults` has the keys whose last
    record makes no sense, and why; their entries stay what they were. `is_complete` is true from the sentinel on.
    """

    entries: Mapping[Key, Entry] = field(default_factory=dict)
    versions: Mapping[Key, int] = field(default_factory=dict)
    faults: Mapping[Key, str] = field(default_factory=dict)
    is_complete: bool = False

    def after(self, records: Iterable[Record]) -> "Published":
        """The same with these records applied, in their order; a later entry stands behind an earlier one."""
        entries, versions, faults = dict(self.entries), dict(self.versions), dict(self.faults)
        is_complete = self.is_complete
        for record in records:
            if record.topic == topics.CONFIG_RULE and record.key == SENTINEL_KEY:
                is_complete = record.value is not None
                continue
            if record.topic == topics.CONFIG_CHANGE:
                _remember(record, versions)
                continue
            key = Key(record.topic, (record.key or b"").decode(errors="replace"))
            faults.pop(key, None)
            try:
                if record.value is None:
                    entries.pop(key, None)
                else:
                    entry = _entry(key, record.value)
                    entries.pop(key, None)
                    entries[key] = entry
                    versions[key] = max(entry.version, versions.get(key, 0))
            except ValueError as error:
                faults[key] = str(error)
        return Published(entries, versions, faults, is_complete)


def counted(entries: Mapping[Key, Entry]) -> Sentinel:
    """How many entries of each kind there are."""
    channels, templates, targets, rules = (sum(key.topic == topic for key in entries) for topic in ENTRIES)
    return Sentinel(channels=channels, templates=templates, rules=rules, targets=targets)


def _remember(record: Record, versions: dict[Key, int]) -> None:
    try:
        change = msgspec.json.decode(record.value or b"", type=Change)
    except ValueError:
        return  # a stranger's record in the log of changes says nothing about what is in force
    key = Key(change.topic, change.id)
    versions[key] = max(change.version, versions.get(key, 0))


def _entry(key: Key, value: bytes) -> Entry:
    entry = msgspec.json.decode(value, type=ENTRIES[key.topic])
    if entry.id != key.id:
        raise ValueError(f"the record's key is not its id {entry.id!r}")
    return entry


class Configuration:
    """Rules, templates, targets and channels, compiled. Never changes: a change of the topics makes a new one.

    `channels` are those of the gateway by canonical id, `tenants` are by theirs. `faults` says what does not work and
    why, by what it is about.
    """

    def __init__(self, published: Published | None = None) -> None:
        published = published or Published()
        entries = published.entries.values()
        self.rules = RuleSet(entry for entry in entries if isinstance(entry, Rule))
        self.templates = TemplateSet(entry for entry in entries if isinstance(entry, Template))
        self.targets: Mapping[str, Target] = {entry.id: entry for entry in entries if isinstance(entry, Target)}
        channels = [entry for entry in entries if isinstance(entry, Channel)]
        self.channels: Mapping[str, Channel] = {
            channel.id: channel for channel in channels if channel.provider == WPP_GATEWAY
        }
        self.tenants: Mapping[int, Tenant] = {channel.tenant.id: channel.tenant for channel in channels}
        self._channel_of_tenant = {
            channel.tenant.id: channel
            for channel in self.channels.values()
            if channel.is_enabled and channel.tenant.is_enabled
        }
        self.faults: Mapping[str, str] = dict(self._faults(published))

    def channel(self, channel_id: str) -> Channel | None:
        """The gateway's channel of a canonical id, also where it is disabled."""
        return self.channels.get(channel_id)

    def channel_of_tenant(self, tenant_id: int) -> Channel | None:
        """The enabled gateway channel of an enabled tenant: while a rename is being published, the later of the two."""
        return self._channel_of_tenant.get(tenant_id)

    def choose(self, event: Event) -> Rule | None:
        """The rule that applies to an event."""
        return self.rules.choose(event)

    def render(self, template: str, event: Event) -> Rendered:
        """A template's text for an event, in the time zone of its tenant; RenderError where it cannot be."""
        return self.templates.render(template, event, self.time_zone(event))

    def time_zone(self, event: Event) -> str:
        """The time zone of an event's tenant, an IANA name."""
        channel = self.channels.get(event.channel or "")
        tenant = channel.tenant if channel else self.tenants.get(event.tenant_id or 0)
        return tenant.time_zone if tenant else DEFAULT_TIME_ZONE

    def _faults(self, published: Published) -> Iterable[tuple[str, str]]:
        for key, reason in published.faults.items():
            yield f"record {key}", reason
        for template in self.templates.faults:
            yield f"template {template.template_id}", template.reason
        for rule in self.rules.faults:
            yield f"rule {rule.rule_id}", str(rule)
        for entry in published.entries.values():
            if isinstance(entry, Rule) and entry.is_enabled and entry.template and entry.template not in self.templates:
                yield f"rule {entry.id}", f"its template {entry.template!r} does not exist or is disabled"
        for entry in published.entries.values():
            if isinstance(entry, Rule) and entry.is_enabled and entry.target and entry.target not in self.targets:
                yield f"rule {entry.id}", f"its target {entry.target!r} does not exist"
        for entry in published.entries.values():
            try:
                match entry:
                    case Rule():
                        bounds_of(entry)
                    case Channel():
                        bounds_of_channel(entry)
            except ValueError as error:
                yield f"{type(entry).__name__.lower()} {entry.id}", str(error)
        for tenant in self.tenants.values():
            if zone(tenant.time_zone) is None:
                yield f"tenant {tenant.id}", f"time_zone {tenant.time_zone!r} is no IANA name"
