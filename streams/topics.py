"""Every topic of the hub, declared once: partitions, retention, size."""

from dataclasses import dataclass, field
from typing import Final

MEGABYTE: Final = 1_000_000
DAY_MS: Final = 86_400_000

RAW_WEBHOOK: Final = "raw.webhook"
RAW_EVENT: Final = "raw.event"
EVENT_NORMALIZED: Final = "event.normalized"
EVENT_ACCEPTED: Final = "event.accepted"
COMMAND_OUTBOUND: Final = "command.outbound"
COMMAND_HTTP: Final = "command.http"
COMMAND_MEDIA: Final = "command.media"
COMMAND_LOOKUP: Final = "command.lookup"
DELIVERY_EVIDENCE: Final = "delivery.evidence"
DELIVERY_STATUS: Final = "delivery.status"
HTTP_STATUS: Final = "http.status"
CONVERSATION_CHANGE: Final = "conversation.change"
CONVERSATION_MUTE: Final = "conversation.mute"
CONTACT_LINK: Final = "contact.link"
AUDIT_CHANGE: Final = "audit.change"
OPS_ALARM: Final = "ops.alarm"
DEAD_LETTER: Final = "dead.letter"
CONFIG_RULE: Final = "config.rule"
CONFIG_CHANNEL: Final = "config.channel"
CONFIG_TEMPLATE: Final = "config.template"
CONFIG_TARGET: Final = "config.target"
CONFIG_CHANGE: Final = "config.change"
CONFIG_APPLIED: Final = "config.applied"

RAW: Final = frozenset({RAW_WEBHOOK, RAW_EVENT})
"""Where everything that the hub is told begins."""

WORKED: Final = (
    RAW_WEBHOOK,
    RAW_EVENT,
    EVENT_NORMALIZED,
    COMMAND_OUTBOUND,
    DELIVERY_EVIDENCE,
    COMMAND_MEDIA,
    COMMAND_LOOKUP,
    COMMAND_HTTP,
    EVENT_ACCEPTED,
    DELIVERY_STATUS,
    HTTP_STATUS,
    CONTACT_LINK,
    CONVERSATION_CHANGE,
    DEAD_LETTER,
    AUDIT_CHANGE,
)
"""What the workers' group takes, in the order of the flow: what they have not committed of these is their lag."""

SEEN_TABLE: Final = "seen"
"""The router's table: one entry per idempotency key."""
DELIVERIES_TABLE: Final = "deliveries"
"""The sender's table: a snapshot of `delivery.status`."""
MEDIA_TABLE: Final = "media"
"""The files that are still to be fetched."""
LOOKUPS_TABLE: Final = "lookups"
"""The look-ups of lids that are still to be made."""
LIDS_TABLE: Final = "lids"
"""What is remembered of each lid that was looked up."""
POSTS_TABLE: Final = "posts"
"""What is still to be posted to targets."""
TALKS_TABLE: Final = "talks"
"""What targets answered, and how often in each conversation."""

APP_ID: Final = "posto"
"""Consumer group of the workers, and prefix of their changelogs."""


@dataclass(frozen=True)
class Topic:
    """One topic. `keyed` ones share one partition count; `retention_ms` -1 keeps for ever; sizes in bytes.

    A topic that `follows_dedupe` is kept for as long as the router remembers keys, whatever `retention_ms` says.
    """

    name: str
    keyed: bool = True
    partitions: int = 1
    cleanup: str = "delete"
    retention_ms: int = 7 * DAY_MS
    max_bytes: int = MEGABYTE
    follows_dedupe: bool = False
    extra: dict[str, str] = field(default_factory=dict)

    def partition_count(self, keyed: int) -> int:
        """How many partitions the topic has where the keyed chain has `keyed`."""
        return keyed if self.keyed else self.partitions

    def config(self, min_insync_replicas: int, dedupe_days: int = 30) -> dict[str, str]:
        """The topic's Kafka configuration."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(dedupe_days * DAY_MS if self.follows_dedupe else self.retention_ms),
            "max.message.bytes": str(self.max_bytes),
            "min.insync.replicas": str(min_insync_replicas),
            **self.extra,
        }


def changelog(table: str) -> str:
    """The changelog topic of a table, as Faust names it."""
    return f"{APP_ID}-{table}-changelog"


_LONG: Final = 365 * DAY_MS
_LOG_APPEND = {"message.timestamp.type": "LogAppendTime"}

TOPICS: Final = (
    Topic(RAW_WEBHOOK, retention_ms=_LONG, max_bytes=17 * MEGABYTE, extra=_LOG_APPEND),
    Topic(RAW_EVENT, retention_ms=_LONG, extra=_LOG_APPEND),
    Topic(EVENT_NORMALIZED, retention_ms=7 * DAY_MS),
    Topic(EVENT_ACCEPTED, retention_ms=_LONG),
    Topic(COMMAND_OUTBOUND, retention_ms=_LONG),
    Topic(COMMAND_HTTP, retention_ms=_LONG),
    Topic(COMMAND_MEDIA, retention_ms=_LONG),
    Topic(COMMAND_LOOKUP, retention_ms=7 * DAY_MS),
    Topic(DELIVERY_EVIDENCE, retention_ms=_LONG),
    Topic(DELIVERY_STATUS, retention_ms=_LONG),
    Topic(HTTP_STATUS, retention_ms=_LONG),
    Topic(CONVERSATION_CHANGE, retention_ms=_LONG),
    Topic(CONVERSATION_MUTE, keyed=False, cleanup="compact,delete", retention_ms=30 * DAY_MS),
    Topic(CONTACT_LINK, retention_ms=_LONG),
    Topic(AUDIT_CHANGE, retention_ms=_LONG),
    Topic(OPS_ALARM, retention_ms=_LONG),
    Topic(DEAD_LETTER, retention_ms=_LONG, max_bytes=18 * MEGABYTE),
    Topic(CONFIG_RULE, keyed=False, cleanup="compact", retention_ms=-1),
    Topic(CONFIG_CHANNEL, keyed=False, cleanup="compact", retention_ms=-1),
    Topic(CONFIG_TEMPLATE, keyed=False, cleanup="compact", retention_ms=-1),
    Topic(CONFIG_TARGET, keyed=False, cleanup="compact", retention_ms=-1),
    Topic(CONFIG_CHANGE, keyed=False, retention_ms=_LONG),
    Topic(CONFIG_APPLIED, keyed=False, cleanup="compact,delete", retention_ms=7 * DAY_MS),
    Topic(changelog(SEEN_TABLE), cleanup="compact,delete", follows_dedupe=True),
    Topic(changelog(DELIVERIES_TABLE), cleanup="compact", retention_ms=-1),
    Topic(changelog(MEDIA_TABLE), cleanup="compact", retention_ms=-1),
    Topic(changelog(LOOKUPS_TABLE), cleanup="compact", retention_ms=-1),
    Topic(changelog(LIDS_TABLE), cleanup="compact,delete", retention_ms=_LONG),
    Topic(changelog(POSTS_TABLE), cleanup="compact", retention_ms=-1),
    Topic(changelog(TALKS_TABLE), cleanup="compact,delete", retention_ms=7 * DAY_MS),
)

BY_NAME: Final = {topic.name: topic for topic in TOPICS}


def max_record_bytes(topic: str) -> int:
    """The largest record that a topic takes, in bytes; topics of others get the usual megabyte."""
    declared = BY_NAME.get(topic)
    return declared.max_bytes if declared else MEGABYTE
