"""The demo: what it sends, when it keeps quiet, and what it says when it does not come to its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from rich.console import Console
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.mysql.projector import Projector
from infra.database import database as database_of
from infra.demo import DemoError, run_demo
from infra.migrations import migrate
from infra.settings import Settings, load
from schemas.deliveries import AckStatus, FactKind, Status
from schemas.events import NO_RULE, Action, Decision
from tests.adapters.mysql.log import Log, command_of, fact, invoice, message
from tests.support.http import serving

pytestmark = pytest.mark.integration

EVENT = invoice()


class Posto:
    """Edge and simulator in one, which only note what they are asked."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.inbound: list[dict[str, Any]] = []
        self.authorization = ""
        self.has_simulator = True
        self.edge_status = 202

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        routes = [
            Route("/_sim/config", self._config),
            Route("/_sim/inbound", self._inbound, methods=["POST"]),
            Route("/api/events", self._event, methods=["POST"]),
        ]
        config = uvicorn.Config(Starlette(routes=routes), log_level="critical", lifespan="off")
        async with serving(uvicorn.Server(config)) as url:
            yield url

    async def _config(self, request: Request) -> Response:
        return JSONResponse({}, 200 if self.has_simulator else 404)

    async def _inbound(self, request: Request) -> Response:
        self.inbound.append(await request.json())
        return JSONResponse({"message_id": "false_5547999990001@c.us_3EB0AA01", "webhooks": []})

    async def _event(self, request: Request) -> Response:
        self.events.append(await request.json())
        self.authorization = request.headers["Authorization"]
        return JSONResponse({"event_id": EVENT.event_id}, self.edge_status)


@pytest.fixture
def posto() -> Posto:
    return Posto()


@pytest.fixture
async def settings(mysql: str, posto: Posto) -> AsyncIterator[Settings]:
    async with posto.serve() as url:
        settings = load(
            _env_file=None,
            mysql_dsn=mysql,
            wpp_gateway_base_url=url,
            posto_edge_port=urlsplit(url).port,
            event_ingestion_secret="s3cret",
        )
        await migrate(settings)
        yield settings


async def project(settings: Settings, status: Status) -> None:
    """What the worker would have made of it."""
    log, command = Log(), command_of(EVENT)
    opened = database_of(settings)
    await Projector(opened).project(
        [
            log.accepted(EVENT),
            log.reported(fact(command, FactKind.ACCEPTED, Status.QUEUED, 2, command=command)),
            log.reported(fact(command, FactKind.ACKED, status, 3, attempt=1, ack=AckStatus.READ)),
            log.accepted(message("3EB0AA01")),
        ]
    )
    await opened.close()


async def test_an_invoice_and_a_message_go_through_and_their_traces_are_shown(settings: Settings, posto: Posto) -> None:
    await project(settings, Status.READ)
    console = Console(record=True, width=300)
    await run_demo(settings, console)
    shown = console.export_text()
    assert EVENT.trace_id in shown
    assert "whatsapp.inbound.message" in shown
    assert posto.authorization == "Bearer s3cret"
    assert posto.events[0]["event_type"] == "billing.invoice.overdue"
    assert posto.inbound[0]["channel"] == "Canal Um"


async def test_each_run_is_another_occurrence(settings: Settings, posto: Posto) -> None:
    await project(settings, Status.READ)
    for _ in range(2):
        await run_demo(settings, Console(record=True))
    assert posto.events[0]["external_id"] == posto.events[1]["external_id"]
    assert posto.events[0]["occurrence"] != posto.events[1]["occurrence"]


async def test_with_a_real_gateway_nothing_is_sent(settings: Settings, posto: Posto) -> None:
    posto.has_simulator = False
    console = Console(record=True, width=300)
    await run_demo(settings, console)
    assert "not the simulator" in console.export_text()
    assert (posto.events, posto.inbound) == ([], [])


async def test_what_does_not_arrive_is_said_with_how_far_it_came(settings: Settings) -> None:
    await project(settings, Status.UNCERTAIN)
    with pytest.raises(DemoError, match=r"After 0\.1 s the invoice of the demo is still uncertain .*posto doctor"):
        await run_demo(settings, Console(record=True), deadline=0.1)


async def test_what_failed_is_not_waited_for(settings: Settings) -> None:
    await project(settings, Status.FAILED)
    async with asyncio.timeout(20):
        with pytest.raises(DemoError, match=f"is failed: `posto trace {EVENT.event_id}`"):
            await run_demo(settings, Console(record=True))


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (Decision(action=NO_RULE), "it is no_rule, decided was no_rule"),
        (Decision(action=Action.NONE, rule_id="mine", rule_version=2), "decided was none by rule mine v2"),
    ],
)
async def test_an_invoice_of_which_no_message_is_made_is_not_waited_for(
    settings: Settings, decision: Decision, said: str
) -> None:
    opened = database_of(settings)
    await Projector(opened).project([Log().accepted(invoice(decision=decision))])
    await opened.close()
    async with asyncio.timeout(20):
        with pytest.raises(DemoError, match=f"{said}.*`posto rules list`"):
            await run_demo(settings, Console(record=True))


async def test_an_edge_that_refuses_is_quoted(settings: Settings, posto: Posto) -> None:
    posto.edge_status = 401
    with pytest.raises(DemoError, match="answered 401"):
        await run_demo(settings, Console(record=True))


async def test_a_gateway_that_is_away_is_named(mysql: str) -> None:
    with pytest.raises(DemoError, match=r"127\.0\.0\.1:1 does not answer"):
        await run_demo(load(_env_file=None, mysql_dsn=mysql, wpp_gateway_base_url="http://127.0.0.1:1"), Console())
