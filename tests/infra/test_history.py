"""Who made which version, by what the audit says of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from infra.authoring.history import told
from schemas.configuration import Change, Rule
from schemas.events import Action
from streams import topics
from streams.publication import digest

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def rule(priority: int) -> Rule:
    return Rule(id="r", event_type="a.b", action=Action.NONE, priority=priority)


def published(minute: int, entry: Rule) -> tuple[datetime, Change]:
    value = msgspec.to_builtins(entry)
    return BEGAN + timedelta(minutes=minute), Change(topic=topics.CONFIG_RULE, id="r", version=minute + 1, value=value)


def on_record(minute: float, entry: Rule, by: str) -> dict[str, Any]:
    detail = msgspec.json.encode({"content": digest(entry), "reason": f"why {by}"}).decode()
    at = (BEGAN + timedelta(minutes=minute)).replace(tzinfo=None)
    return {"at": at, "actor": by, "trace_id": "", "detail": detail}


def test_each_version_is_told_with_the_last_change_to_its_content_since_the_one_before() -> None:
    first, second = rule(1), rule(2)
    versions = [published(0, first), published(10, second), published(20, first), published(30, second)]
    audit = [
        on_record(25, first, "late, and of another content"),
        on_record(20.05, first, "Cai, whose clock is ahead"),
        on_record(9, second, "Bia"),
        on_record(8, second, "Bia at first"),
        on_record(0, first, "Ana"),
    ]
    assert [(one.version, one.by) for one in told(versions, audit)] == [
        (31, None),
        (21, "Cai, whose clock is ahead"),
        (11, "Bia"),
        (1, "Ana"),
    ]


def test_each_change_on_record_is_decoded_once_however_many_versions_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    count, decoded = 50, list[str]()
    decode = msgspec.json.decode

    def counting(value: str, **options: Any) -> Any:
        decoded.append(value)
        return decode(value, **options)

    monkeypatch.setattr("msgspec.json.decode", counting)
    versions = [published(minute, rule(minute)) for minute in range(count)]
    audit = [on_record(minute, rule(-1), "somebody") for minute in reversed(range(count))]
    assert [one.by for one in told(versions, audit)] == [None] * count
    assert len(decoded) == count
