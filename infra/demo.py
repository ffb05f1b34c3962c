"""A first invoice and a first message through the whole chain, with their traces: what `make up` ends with."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import httpx
import msgspec
from rich.console import Console

from adapters.mysql.errors import DatabaseError
from adapters.mysql.pool import Database
from infra import trace_view
from infra.database import database
from infra.errors import OperatorError
from infra.seeds import DEMO_CHANNEL, DEMO_TENANT
from infra.settings import Settings
from infra.trace import traces
from infra.trace_records import EventRecord, Trace
from schemas.deliveries import Status
from schemas.events import Action
from streams import identity

T = TypeVar("T")

DEADLINE: Final = 60.0
"""Seconds that the invoice and the message have, together."""

_PHONE: Final = "5547999990001"  # synthetic
_NAME: Final = "Contato A"
_HTTP_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.05
_ARRIVED: Final = frozenset({Status.READ, Status.PLAYED})
_LOST: Final = frozenset({Status.FAILED, Status.EXPIRED, Status.SUPPRESSED, Status.CANCELLED})


class DemoError(OperatorError):
    """The demo did not come to its end; the message says how far it came."""


async def run_demo(settings: Settings, console: Console | None = None, deadline: float = DEADLINE) -> None:
    """Send one overdue invoice and receive one message, wait for both, print their traces; DemoError where it fails.

    Only with the simulator: with a real gateway nothing is sent. Each run is a new occurrence of the same invoice.
    """
    console = console or trace_view.console()
    db = database(settings)
    try:
        async with httpx.AsyncClient(timeout=_HTTP_SECONDS) as http:
            if not await _is_simulator(http, settings):
                console.print(
                    f"No demo: {settings.wpp_gateway_base_url} is not the simulator, and a real phone would ring."
                )
                return
            began = datetime.now(UTC)
            event_id = await _send_invoice(http, settings, began)
            message_key = await _receive_message(http, settings)
            until = asyncio.get_running_loop().time() + deadline
            invoice = await _eventually(lambda: _read_invoice(db, event_id), until, "the invoice", deadline)
            message = await _eventually(lambda: _conversation(db, message_key), until, "the message", deadline)
    except DatabaseError as error:
        raise DemoError(f"The demo cannot read MySQL: {error}; `posto doctor` says what to do.") from None
    finally:
        await db.close()
    for title, trace in (("An invoice out:", invoice), ("A message in:", message)):
        console.print(f"\n[bold]{title}[/bold]")
        trace_view.print_trace(console, trace)


async def _is_simulator(http: httpx.AsyncClient, settings: Settings) -> bool:
    try:
        answer = await http.get(f"{settings.wpp_gateway_base_url}/_sim/config")
    except httpx.HTTPError as error:
        raise DemoError(f"The gateway at {settings.wpp_gateway_base_url} does not answer: {error!r}.") from None
    return answer.is_success


async def _send_invoice(http: httpx.AsyncClient, settings: Settings, now: datetime) -> str:
    """POST the invoice as a producer would; its event id."""
    secrets = settings.ingestion_secrets
    event = {
        "source_system": "demo",
        "event_type": "billing.invoice.overdue",
        "external_id": "DEMO-1",
        "occurrence": now.isoformat(timespec="milliseconds"),
        "tenant_id": DEMO_TENANT,
        "payload": {
            "phone": _PHONE,
            "name": _NAME,
            "service": "Internet 300 Mega",
            "amount": 129.9,
            "due_date": (now - timedelta(days=4)).date().isoformat(),  # overdue_3d in every time zone
            "payment_link": "https://pagamento.example/DEMO-1",
        },
    }
    answer = await _post(
        http,
        f"{settings.edge_url}/api/events",
        event,
        {"Authorization": f"Bearer {secrets[0]}"} if secrets else {},
    )
    return str(answer["event_id"])


async def _receive_message(http: httpx.AsyncClient, settings: Settings) -> str:
    """Let somebody write to the demo's channel; the stable part of the message's id."""
    body = {"channel": DEMO_CHANNEL, "from": _PHONE, "text": "Oi! Recebi a fatura, obrigado.", "name": _NAME}
    answer = await _post(http, f"{settings.wpp_gateway_base_url}/_sim/inbound", body, {})
    return str(identity.message_key(answer["message_id"]))


async def _post(http: httpx.AsyncClient, url: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    try:
        answer = await http.post(url, json=body, headers=headers)
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=dict[str, Any])
    except httpx.HTTPStatusError as error:
        raise DemoError(f"{url} answered {error.response.status_code}: {error.response.text[:500]}") from None
    except (httpx.HTTPError, msgspec.MsgspecError) as error:
        raise DemoError(f"{url} did not answer as expected: {error!r}; `posto doctor` says what to do.") from None


async def _read_invoice(db: Database, event_id: str) -> tuple[Trace | None, str]:
    """The invoice's trace once it was read; else how far it came."""
    for trace in await traces(db, event_id):
        reached = [command.status for command in trace.commands] or [trace.event.status if trace.event else "unknown"]
        if set(reached) & _ARRIVED:
            return trace, "read"
        if set(reached) & _LOST:
            raise DemoError(f"The demo's invoice {event_id} is {reached[0]}: `posto trace {event_id}` shows why.")
        if trace.event and trace.event.action != Action.WHATSAPP:
            raise DemoError(
                f"No message was made of the demo's invoice {event_id}: it is {trace.event.status}, decided was "
                f"{_decided(trace.event)}. `posto rules list` shows the rules, and what is wrong with them."
            )
        return None, f"{reached[0]} (`posto trace {event_id}`)"
    return None, f"not in MySQL yet ({event_id})"


def _decided(event: EventRecord) -> str:
    by = f" by rule {event.rule_id} v{event.rule_version}" if event.rule_id else ""
    return f"{event.action}{by}{f' ({event.reason})' if event.reason else ''}"


async def _conversation(db: Database, message_key: str) -> tuple[Trace | None, str]:
    """The message's trace once it is in a conversation."""
    channel = identity.canonical_channel(DEMO_CHANNEL)
    rows = await db.fetch(_MESSAGE, (channel, message_key))
    found = await traces(db, rows[0]["event_id"]) if rows else []
    return (found[0] if found else None), f"in no conversation yet ({message_key})"


async def _eventually(
    look: Callable[[], Awaitable[tuple[T | None, str]]], until: float, what: str, seconds: float
) -> T:
    while True:
        found, progress = await look()
        if found is not None:
            return found
        if asyncio.get_running_loop().time() >= until:
            raise DemoError(
                f"After {seconds:g} s {what} of the demo is still {progress}; `posto doctor` says what is wrong."
            )
        await asyncio.sleep(_LOOK_SECONDS)


_MESSAGE: Final = (
    "SELECT event_id FROM messages WHERE channel_id = %s AND message_key = %s AND conversation_id IS NOT NULL"
)
