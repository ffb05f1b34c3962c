"""Events by API."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from adapters.mysql import lists
from adapters.mysql.pool import Database

pytestmark = pytest.mark.integration

START = datetime(2026, 1, 15, 8, 0)  # noqa: DTZ001 (as MySQL has it)
EVENTS = 120
INSERT = """
INSERT INTO communication_events (event_id, idempotency_key, event_type, source_system, tenant_id, channel_id, trace_id,
    kind, status, action, occurred_at, received_at, raw_topic, raw_partition, raw_offset, fingerprint, revision,
    precedence, payload, metadata)
VALUES (%s, %s, 'order.paid', 'erp', %s, 'canalum', 't', 'accepted', %s, 'none', %s, %s, 'raw.event', 0, %s, 'f', 1, 0,
    %s, '{}')
"""


@pytest.fixture(autouse=True)
async def events(db: Database) -> None:
    """A hundred and twenty events, two a minute; of every tenth the tenant is 2, every third failed."""
    await db.execute("DELETE FROM communication_events")
    for number in range(EVENTS):
        at = START + timedelta(minutes=number // 2)
        tenant, status = 2 if number % 10 == 0 else 1, "failed" if number % 3 == 0 else "processed"
        payload = msgspec.json.encode({"name": f"Ana {number}"}).decode()
        values = (f"e{number:03}", f"erp|{number}|x", tenant, status, at, at, number, payload)
        await db.execute(INSERT, values)


async def listed(api: httpx.AsyncClient, **filters: Any) -> list[str]:
    """The ids of all pages."""
    ids: list[str] = []
    while True:
        answer = await api.get("/api/admin/events", params=filters)
        assert answer.status_code == 200, answer.text
        ids += [item["event_id"] for item in answer.json()["items"]]
        if not (cursor := answer.json()["next_cursor"]):
            return ids
        filters["cursor"] = cursor


def named(numbers: Any) -> list[str]:
    return [f"e{number:03}" for number in numbers]


async def test_pages_hold_each_event_once_and_the_last_first(api: httpx.AsyncClient) -> None:
    assert await listed(api, limit=7) == named(reversed(range(EVENTS)))


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({"status": "failed"}, [number for number in range(EVENTS) if number % 3 == 0]),
        ({"status": "failed", "tenant": 2}, [number for number in range(EVENTS) if number % 30 == 0]),
        ({"tenant": 2, "channel": "Canal Um"}, range(0, EVENTS, 10)),
        ({"type": "order.lost"}, []),
        ({"since": "2026-01-15T08:10:00Z", "until": "2026-01-15T09:11:00+01:00"}, [20, 21]),
        ({"text": "ANA 11"}, [11, *range(110, 120)]),
        ({"text": "%"}, []),
    ],
)
async def test_filters_are_all_met_however_few_rows_a_call_looks_through(
    api: httpx.AsyncClient, filters: dict[str, Any], numbers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LOOKED_THROUGH", 10)
    assert await listed(api, limit=5, **filters) == named(reversed(numbers))


async def test_one_event_is_shown_with_its_payload(api: httpx.AsyncClient) -> None:
    event = (await api.get("/api/admin/events/e011")).json()

    assert event["payload"] == {"name": "Ana 11"}
    assert (event["channel"], event["raw"], event["received_at"]) == (
        "canalum",
        "raw.event/0@11",
        "2026-01-15T08:05:00Z",
    )
    assert (await api.get("/api/admin/events/e999")).status_code == 404


async def test_a_cursor_is_of_its_query(api: httpx.AsyncClient) -> None:
    cursor = (await api.get("/api/admin/events", params={"tenant": 1, "limit": 1})).json()["next_cursor"]

    other = await api.get("/api/admin/events", params={"tenant": 2, "cursor": cursor})
    none = await api.get("/api/admin/events", params={"cursor": "é" + cursor})

    assert (other.status_code, none.status_code) == (400, 400)
    assert "another query" in other.json()["detail"]


@pytest.mark.parametrize(
    "filters",
    [
        {"limit": 0},
        {"limit": 101},
        {"tenant": "x"},
        {"since": "1"},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"typo": 1},
    ],
)
async def test_filters_that_make_no_sense_are_named(api: httpx.AsyncClient, filters: dict[str, Any]) -> None:
    answer = await api.get("/api/admin/events", params=filters)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == f"query.{next(iter(filters))}"
