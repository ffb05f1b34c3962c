"""The configuration as people wrote it, read from the tables that they edit."""

from collections.abc import Callable
from datetime import UTC
from typing import Any, Final

import msgspec

from adapters.mysql.pool import Row, Session
from schemas.configuration import WPP_GATEWAY, Channel, Rule, Target, Template, Tenant
from streams import topics
from streams.configuration import Entry, Key
from streams.identity import canonical_channel
from streams.publication import Authored
from streams.soundness import fault_of, rule_of, target_of

MAX_BYTES: Final = 900_000
"""Largest entry as JSON, so that it stays within a topic's record together with what is published around it."""

_CHANNELS: Final = """
SELECT c.channel_id, c.provider, c.display_name, c.is_enabled, c.metadata,
       t.id AS tenant_id, t.name AS tenant_name, t.time_zone, t.is_enabled AS tenant_is_enabled
FROM tenant_message_channels c JOIN tenants t ON t.id = c.tenant_id ORDER BY c.id
"""
_TEMPLATES: Final = "SELECT name, body, is_enabled FROM message_templates ORDER BY name"
_RULES: Final = """
SELECT id, event_type, source_system, action, template, target, conditions, policy, priority, is_enabled, send_window,
       pace, ttl_seconds, metadata
FROM routing_rules ORDER BY id
"""
_TARGETS: Final = """
SELECT name, url, is_enabled, timeout_seconds, secret_version, former_secret_until FROM http_targets ORDER BY name
"""


async def read_authored(session: Session) -> Authored:
    """All of it as of one moment; a row that makes no sense becomes a fault. Raises the errors of `errors.py`."""
    await session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    await session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    try:
        rows = {
            topics.CONFIG_CHANNEL: await session.fetch(_CHANNELS),
            topics.CONFIG_TEMPLATE: await session.fetch(_TEMPLATES),
            topics.CONFIG_TARGET: await session.fetch(_TARGETS),
            topics.CONFIG_RULE: await session.fetch(_RULES),
        }
    finally:
        await session.execute("ROLLBACK")
    return authored(rows)


def authored(rows: dict[str, list[Row]]) -> Authored:
    """The entries that rows of the tables make, by the topic that they are published to."""
    entries: dict[Key, Entry] = {}
    faults: dict[Key, str] = {}
    for topic, (identify, _) in _KINDS.items():
        for row in sorted(rows[topic], key=_is_of_another_provider):
            key = Key(topic, identify(row))
            if key in entries or key in faults:
                faults.setdefault(key, "several rows have this id; the first one counts, the gateway's before others")
                continue
            try:
                entries[key] = entry_of(topic, row)
            except ValueError as error:
                faults[key] = str(error)
    return Authored(entries, faults)


def fields_of(topic: str, row: Row) -> dict[str, Any]:
    """What a row says, by the names of the entry's fields, also where that makes no sense."""
    if topic == topics.CONFIG_RULE:
        return {name: value for name, value in _rule_fields(row).items() if name in Rule.__struct_fields__}
    if topic == topics.CONFIG_TARGET:
        return {name: value for name, value in _target_fields(row).items() if name in Target.__struct_fields__}
    return {"id": row["name"], "body": row["body"], "is_enabled": bool(row["is_enabled"])}


def entry_of(topic: str, row: Row) -> Entry:
    """The entry that a row makes; ValueError where it would not work."""
    identify, make = _KINDS[topic]
    return publishable(make(identify(row), row))


def publishable(entry: Entry) -> Entry:
    """The entry itself; ValueError where it would not work: what was in force before it then stays."""
    if (reason := fault_of(entry)) is not None:
        raise ValueError(reason)
    if (size := len(msgspec.json.encode(entry))) > MAX_BYTES:
        raise ValueError(f"it has {size} bytes, at most {MAX_BYTES} are published")
    return entry


def _is_of_another_provider(row: Row) -> bool:
    return bool(row.get("provider", WPP_GATEWAY) != WPP_GATEWAY)


def _channel(canonical: str, row: Row) -> Channel:
    return msgspec.convert(
        {
            "id": canonical,
            "channel_id": row["channel_id"],
            "provider": row["provider"],
            "display_name": row["display_name"],
            "is_enabled": bool(row["is_enabled"]),
            "metadata": _json(row, "metadata"),
            "tenant": Tenant(
                id=row["tenant_id"],
                name=row["tenant_name"],
                time_zone=row["time_zone"],
                is_enabled=bool(row["tenant_is_enabled"]),
            ),
        },
        Channel,
    )


def _template(name: str, row: Row) -> Template:
    return Template(id=name, body=row["body"], is_enabled=bool(row["is_enabled"]))


def _target(name: str, row: Row) -> Target:
    return target_of(_target_fields(row))


def _target_fields(row: Row) -> dict[str, Any]:
    until = row["former_secret_until"]
    return {
        **row,
        "id": row["name"],
        "is_enabled": bool(row["is_enabled"]),
        "former_secret_until": msgspec.to_builtins(until.replace(tzinfo=UTC)) if until else None,
    }


def _rule(rule_id: str, row: Row) -> Rule:
    return rule_of({**_rule_fields(row), "id": rule_id})


def _rule_fields(row: Row) -> dict[str, Any]:
    texts = {name: row[name] or None for name in ("source_system", "template", "target")}  # an empty text is none
    objects = {name: _json(row, name) for name in ("conditions", "send_window", "pace", "metadata")}
    return {**row, **texts, **objects, "is_enabled": bool(row["is_enabled"])}


_KINDS: Final[dict[str, tuple[Callable[[Row], str], Callable[[str, Row], Entry]]]] = {
    topics.CONFIG_CHANNEL: (lambda row: canonical_channel(row["channel_id"]), _channel),
    topics.CONFIG_TEMPLATE: (lambda row: row["name"], _template),
    topics.CONFIG_TARGET: (lambda row: row["name"], _target),
    topics.CONFIG_RULE: (lambda row: row["id"], _rule),
}


def _json(row: Row, column: str) -> Any:
    """The value of a JSON column: its text, as the driver gives it."""
    try:
        return None if row[column] is None else msgspec.json.decode(row[column])
    except msgspec.DecodeError as error:
        raise ValueError(f"{column}: is not JSON: {error}") from None
