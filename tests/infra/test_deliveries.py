"""`posto deliveries`: what is shown of deliveries, and an operator's decision from the shell to the tables."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from infra import deliveries_view, settling
from infra.database import database as database_of
from infra.deliveries import DeliveryError, find, listed
from infra.errors import OperatorError
from infra.migrations import migrate
from infra.patience import GaveUpError
from infra.settings import Settings, load
from infra.settling import decide
from schemas.commands import Command, Policy
from schemas.deliveries import AckStatus, Evidence, OperatorDecision, Status
from schemas.events import Coordinates
from streams import topics
from streams.deliveries import Delivery
from streams.sending.inputs import Ack, Input, Sent, Start, Take, Unclear
from streams.sending.machine import transition
from streams.sending.operators_word import decision_in
from tests.adapters.mysql.log import PHONE, Log, at, command_of, invoice
from tests.streams.sending.world import SCHEDULE
from tests.support.stack import posto
from tests.support.topics import read
from tests.support.waiting import eventually

SENT, NOT_SENT, RESEND, CANCEL = OperatorDecision
DOUBT = Unclear(1, "read_timeout", f"sem resposta de {PHONE}")


class Sender:
    """Facts as the sender would write them, in the tables at once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._log = Log()
        self._known: dict[str, Delivery | None] = {}

    async def let(self, about: Command, *inputs: Input, seconds: float = 2) -> None:
        for given in inputs:
            outcome = transition(self._known.get(about.command_id), given, at(seconds), SCHEDULE)
            self._known[about.command_id] = outcome.delivery
            await Projector(self._db).project([self._log.reported(fact) for fact in outcome.facts])

    async def hear(self, about: Command, settings: Settings) -> None:
        """Take the decision that is written next."""

        async def written() -> list[Any]:
            return await read(settings.kafka_bootstrap_servers, topics.DELIVERY_EVIDENCE)

        record = (await eventually(written, 20))[-1]
        assert record.key == about.channel.encode()
        where = Coordinates(record.topic, record.partition, record.offset)
        await self.let(about, decision_in(msgspec.json.decode(record.value, type=Evidence), where), seconds=60)


@pytest.fixture
async def settings(mysql: str) -> Settings:
    settings = load(_env_file=None, mysql_dsn=mysql, kafka_bootstrap_servers="127.0.0.1:1")
    await migrate(settings)
    return settings


@pytest.fixture
async def tables(settings: Settings) -> AsyncIterator[Database]:
    connected = database_of(settings)
    yield connected
    await connected.close()


def about(number: int, **changes: Any) -> Command:
    return msgspec.structs.replace(command_of(invoice(number), text=f"Fatura {number}"), **changes)


@pytest.mark.integration
async def test_what_is_in_doubt_is_listed_the_longest_first(settings: Settings, tables: Database) -> None:
    sender = Sender(tables)
    late, early = about(1, policy=Policy.AT_LEAST_ONCE), about(2)
    await sender.let(about(3), Take(about(3)), Start(), Sent(1))
    await sender.let(early, Take(early), Start(), DOUBT, seconds=10)
    await sender.let(late, Take(late), Start(), DOUBT, seconds=20)
    found = await listed(settings, statuses=[Status.UNCERTAIN], is_oldest_first=True)
    assert [one.command_id for one in found] == [early.command_id, late.command_id]
    assert [one.doubtful_since for one in found] == [at(10), at(20)]
    shown = "\n".join(deliveries_view.doubtful(map(deliveries_view.discreet, found), at(200)))
    assert "3 min" in shown
    assert "at_least_once" in shown
    assert PHONE[-8:] not in shown
    assert PHONE in "\n".join(deliveries_view.doubtful(found, at(200)))


@pytest.mark.integration
async def test_deliveries_are_listed_by_state_channel_and_tenant(settings: Settings, tables: Database) -> None:
    sender = Sender(tables)
    for number, channel, tenant in ((1, "canalum", 1), (2, "canaldois", 1), (3, "canalum", 2)):
        command = about(number, channel=channel, tenant_id=tenant)
        await sender.let(command, Take(command), seconds=number)
    everything = await listed(settings)
    assert [one.command_id for one in everything] == [about(number).command_id for number in (3, 2, 1)]
    assert [one.tenant_id for one in await listed(settings, channel="canalum")] == [2, 1]
    assert [one.channel for one in await listed(settings, tenant_id=1)] == ["canaldois", "canalum"]
    assert await listed(settings, statuses=[Status.FAILED]) == []
    assert len(await listed(settings, statuses=[Status.QUEUED, Status.SENT], limit=2)) == 2


@pytest.mark.integration
async def test_one_is_shown_with_its_facts_and_what_may_be_decided(tables: Database) -> None:
    sender, command = Sender(tables), about(1)
    await sender.let(command, Take(command), Start(), DOUBT)
    await Projector(tables).project([Log().accepted(invoice(1))])
    for wanted in (command.command_id, command.event_id, f" {invoice(1).idempotency_key} "):
        known = await find(tables, wanted)
    assert known.folded.status is Status.UNCERTAIN
    assert [recorded.fact.fact for recorded in known.facts] == ["accepted", "attempt_started", "in_doubt"]
    shown = "\n".join(deliveries_view.whole(known, at(60)))
    for said in (command.command_id, "uncertain", "Fatura 1", PHONE, "in_doubt (1)", "delivery.status/0@2"):
        assert said in shown
    assert f"posto deliveries settle {command.command_id} not-sent" in shown
    hidden = "\n".join(deliveries_view.whole(deliveries_view.discreet_whole(known), at(60)))
    assert PHONE[-8:] not in hidden
    assert "Fatura 1" not in hidden


@pytest.mark.integration
@pytest.mark.parametrize(
    ("inputs", "decision", "said", "problem"),
    [
        ((Start(), Sent(1), Ack(1, AckStatus.READ, at(9))), RESEND, {}, "cannot be decided so: it was read"),
        ((Start(), Sent(1)), CANCEL, {}, "it was sent: the gateway took it"),
        ((), SENT, {}, "has not been tried yet"),
        ((Start(), DOUBT), SENT, {"by": " "}, "--by"),
        ((Start(), DOUBT), SENT, {"why": "x" * 501}, "at most 500"),
    ],
)
async def test_what_cannot_be_decided_is_refused_with_what_is_known(
    settings: Settings,
    tables: Database,
    inputs: tuple[Input, ...],
    decision: OperatorDecision,
    said: dict[str, str],
    problem: str,
) -> None:
    command = about(1)
    await Sender(tables).let(command, Take(command), *inputs)
    by, why = said.get("by", "ana"), said.get("why", "")
    with pytest.raises(OperatorError, match=problem):
        await decide(settings, command.command_id, decision, by=by, why=why)


@pytest.mark.integration
@pytest.mark.parametrize("wanted", ["INV-1", "", about(9).command_id])
async def test_an_id_that_nobody_knows_is_said(settings: Settings, wanted: str) -> None:
    with pytest.raises(DeliveryError, match="No message is known by"):
        await decide(settings, wanted, SENT, by="ana", why="")


@pytest.mark.integration
async def test_what_no_sender_has_taken_is_not_decided(settings: Settings, tables: Database) -> None:
    await Projector(tables).project([Log().accepted(invoice(1))])
    with pytest.raises(DeliveryError, match="no sender has taken it yet"):
        await decide(settings, about(1).command_id, CANCEL, by="ana", why="")


@pytest.mark.integration
async def test_a_decision_is_on_record_and_shown_once_the_sender_has_carried_it_out(
    hub: Settings, db: Database, tmp_path: Path
) -> None:
    sender, command = Sender(db), about(1)
    await sender.let(command, Take(command), Start(), DOUBT)
    deciding = asyncio.create_task(decide(hub, command.command_id, NOT_SENT, by="ana", why=f"{PHONE}  nada"))
    await sender.hear(command, hub)
    known = await deciding
    assert known.about.status == "failed"
    assert known.about.last_error == f"not_sent by ana: {PHONE} nada"
    given = {"MYSQL_DSN": hub.mysql_dsn.get_secret_value(), "KAFKA_BOOTSTRAP_SERVERS": hub.kafka_bootstrap_servers}
    trace = posto(tmp_path, given, "trace", command.command_id).stdout
    assert "decided not_sent (1)" in trace
    assert "by ana" in trace
    assert PHONE[-8:] not in trace
    shown = json.loads(posto(tmp_path, given, "deliveries", "show", command.command_id, "--json").stdout)
    assert [recorded["fact"]["fact"] for recorded in shown["facts"]][-1] == "decided"
    refused = posto(tmp_path, given, "deliveries", "cancel", command.command_id)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "has failed, and nothing will be sent any more" in refused.stderr


@pytest.mark.integration
async def test_a_decision_that_evidence_overtakes_is_said_not_to_count(hub: Settings, db: Database) -> None:
    sender, command = Sender(db), about(1)
    await sender.let(command, Take(command), Start(), DOUBT)
    deciding = asyncio.create_task(decide(hub, command.command_id, RESEND, by="ana", why=""))

    async def written() -> bool:
        return bool(await read(hub.kafka_bootstrap_servers, topics.DELIVERY_EVIDENCE))

    await eventually(written, 20)
    await sender.let(command, Ack(1, AckStatus.DELIVERED, at(9)))
    with pytest.raises(DeliveryError, match="something was faster: it was delivered"):
        await deciding


@pytest.mark.integration
async def test_a_decision_that_nobody_comes_to_in_time_is_said_to_be_on_record(
    hub: Settings, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, command = Sender(db), about(1)
    await sender.let(command, Take(command), Start(), DOUBT)

    async def never(*_: object) -> None:
        raise GaveUpError("no answer from the sender")

    monkeypatch.setattr(settling, "_carried_out", never)
    with pytest.raises(DeliveryError, match=r"on record \(delivery.evidence/\d+@\d+\) and counts once the sender"):
        await decide(hub, command.command_id, RESEND, by="ana", why="")
    assert len(await read(hub.kafka_bootstrap_servers, topics.DELIVERY_EVIDENCE)) == 1


async def test_a_database_that_is_away_is_said_at_once() -> None:
    away = load(_env_file=None, mysql_dsn="mysql://posto:posto@127.0.0.1:1/posto")
    with pytest.raises(DeliveryError, match="posto doctor"):
        await listed(away)
    with pytest.raises(DeliveryError, match="posto doctor"):
        await decide(away, about(1).command_id, SENT, by="ana", why="")
