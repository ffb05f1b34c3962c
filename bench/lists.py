"""Every list of the Admin API over a million rows: how long a page takes, from the request to the answer."""

import sys
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Final

import httpx

from bench.listed_rows import fill
from bench.result import Result
from infra.admin.app import build
from infra.context import Context
from infra.migrations import migrate
from infra.settings import load

_TOKEN: Final = "bench"  # noqa: S105 (of this bench alone)
_ROWS: Final = 1_000_000
_QUICK_ROWS: Final = 20_000
_PAGES: Final = 30
_WANTED_MILLISECONDS: Final = 100.0

_LISTS: Final[Mapping[str, Sequence[dict[str, Any]]]] = {
    "events": (
        {},
        {"status": "processed"},
        {"status": "failed"},
        {"tenant": 7},
        {"channel": "Canal 3"},
        {"type": "order.paid"},
        {"type": "order.lost"},
        {"source": "nobody"},
        {"since": "2026-01-01T06:00:00Z", "until": "2026-01-01T07:00:00Z"},
        {"tenant": 7, "status": "failed", "type": "order.paid"},
        {"text": "ana 77"},
        {"text": "nowhere", "tenant": 7},
    ),
    "deliveries": (
        {},
        {"status": "read"},
        {"status": "failed", "tenant": 7},
        {"tenant": 7},
        {"channel": "Canal 3", "type": "order.lost"},
        {"to": "5547999999977"},
        {"text": "nowhere"},
    ),
    "dead-letters": (
        {},
        {"state": "all", "stage": "router"},
        {"tenant": 7},
        {"trace": "trace-77"},
        {"text": "nowhere", "state": "discarded"},
    ),
    "audit": ({}, {"actor": "Ana"}, {"subject": "rule:77"}, {"action": "rule.changed", "actor": "Rui"}),
    "conversations": (
        {},
        {"status": "open"},
        {"unread": True},
        {"assigned_to": "Ana", "status": "open"},
        {"tenant": 7, "unassigned": True},
        {"channel": "Canal 3", "unread": True},
        {"contact": "77"},
    ),
    "conversations/canal0:0/messages": ({}, {"direction": "outbound"}, {"text": "nowhere"}, {"media": "ready"}),
    "traces": ({"of": "event-77"}, {"of": "5547999999977"}, {"of": "nothing"}),
}


async def measure(dsn: str, *, quick: bool = False) -> list[Result]:
    """The 95th percentile of each list and its filters, page after page; the slowest of them is the figure."""
    settings = load(mysql_dsn=dsn, posto_admin_token=_TOKEN)
    await migrate(settings)
    rows = _QUICK_ROWS if quick else _ROWS
    async with Context(settings) as context:
        await fill(context.db, rows)
        transport = httpx.ASGITransport(build(context))
        headers = {"Authorization": f"Bearer {_TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://posto", headers=headers) as api:
            return [await _measured(api, path, rows) for path in _LISTS]


async def _measured(api: httpx.AsyncClient, path: str, rows: int) -> Result:
    slowest: dict[str, float] = {}
    for filters in _LISTS[path]:
        taken = sorted([*await _pages(api, path, filters), *await _pages(api, path, {**filters, "limit": 100})])
        said = ", ".join(f"{name}={value}" for name, value in filters.items()) or "all"
        slowest[said] = taken[int(len(taken) * 0.95)]
        print(f"  {path} {said}: p95 {slowest[said]:.1f} ms", file=sys.stderr)
    name = max(slowest, key=lambda said: slowest[said])
    return Result(
        "lists",
        f"p95 of a page of {rows:,} {path}, the slowest filter ({name})",
        slowest[name],
        "ms",
        at_most=_WANTED_MILLISECONDS,
        low=min(slowest.values()),
        high=slowest[name],
    )


async def _pages(api: httpx.AsyncClient, path: str, filters: dict[str, Any]) -> list[float]:
    """How many milliseconds each of the pages took, from the first one on, begun anew at the end."""
    cursor: dict[str, str] = {}
    taken: list[float] = []
    if path == "traces":
        filters = {name: value for name, value in filters.items() if name != "limit"}
    while len(taken) < _PAGES:
        began = perf_counter()
        answer = await api.get(f"/api/admin/{path}", params=filters | cursor)
        taken.append((perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.text
        after = answer.json().get("next_cursor")
        cursor = {"cursor": after} if after else {}
    return taken
