"""`posto doctor`: each check finds what is wrong, and says what to do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from adapters.mysql.pool import Database
from infra import doctor
from infra.configuration import publish_configuration
from infra.kafka import connection
from infra.settings import Settings, load
from infra.stack import ports
from schemas.alarms import Alarm, AlarmKind
from streams.alarm_log import alarm_log
from tests.infra.test_configuration import SEEDS, author


def _settings(**changes: object) -> Settings:
    secrets = {
        "event_ingestion_secret": "e",
        "pixelhub_whatsapp_webhook_secret": "w",
        "posto_admin_token": "a",
        "mysql_dsn": "mysql://posto:p@127.0.0.1:1/posto",
    }
    return load(_env_file=None, **(secrets | changes))


@asynccontextmanager
async def _http(answer: Callable[[str], int]) -> AsyncIterator[str]:
    """A server that answers every request with the status that `answer` gives for its head."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.write(f"HTTP/1.1 {answer(head)} X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def test_secrets_that_are_not_set_are_named() -> None:
    assert doctor.check_settings(_settings()).ok
    finding = doctor.check_settings(_settings(posto_admin_token="", mysql_dsn=""))
    assert not finding.ok
    assert finding.detail == "not set: POSTO_ADMIN_TOKEN, MYSQL_DSN"


async def test_a_kafka_that_is_away_is_told_with_its_address() -> None:
    address = f"127.0.0.1:{ports.free_port()}"
    finding = await doctor.check_kafka(_settings(kafka_bootstrap_servers=address))
    assert not finding.ok
    assert address in finding.detail
    assert "KAFKA_BOOTSTRAP_SERVERS" in finding.advice


async def test_a_database_that_is_away_is_told_without_its_password() -> None:
    port = ports.free_port()
    finding = await doctor.check_mysql(_settings(mysql_dsn=f"mysql://posto:s3cret@127.0.0.1:{port}/posto"))
    assert not finding.ok
    assert f"127.0.0.1:{port}/posto" in finding.detail
    assert "s3cret" not in finding.detail
    assert "MYSQL_DSN" in finding.advice


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "WPP_GATEWAY_SECRET"), (403, "WPP_GATEWAY_SECRET"), (500, "WPP_GATEWAY_BASE_URL")]
)
async def test_a_gateway_that_refuses_is_told_apart_from_one_that_is_broken(status: int, advice: str) -> None:
    async with _http(lambda head: status) as address:
        finding = await doctor.check_gateway(_settings(wpp_gateway_base_url=address))
    assert not finding.ok
    assert advice in finding.advice


@pytest.mark.parametrize(
    ("status", "is_ok", "advice"),
    [
        (400, True, ""),
        (401, False, "PIXELHUB_WHATSAPP_WEBHOOK_SECRET"),
        (404, False, "/api/whatsapp/webhook"),
        (202, False, "/api/whatsapp/webhook"),
    ],
)
async def test_the_webhook_is_ours_where_it_takes_the_secret_and_refuses_an_empty_body(
    status: int, is_ok: bool, advice: str
) -> None:
    heads: list[str] = []

    def answer(head: str) -> int:
        heads.append(head.lower())
        return status

    async with _http(answer) as address:
        url = f"{address}/api/whatsapp/webhook"
        finding = await doctor.check_webhook(_settings(pixelhub_whatsapp_webhook_url=url))
    assert finding.ok is is_ok
    assert advice in finding.advice
    assert "x-webhook-secret: w\r\n" in heads[0]
    assert "content-length: 0\r\n" in heads[0]


async def test_a_webhook_without_a_secret_is_not_well() -> None:
    async with _http(lambda head: 400) as address:
        settings = _settings(pixelhub_whatsapp_webhook_url=address, pixelhub_whatsapp_webhook_secret="")
        finding = await doctor.check_webhook(settings)
    assert (finding.ok, finding.detail) == (False, f"{address} takes webhooks from anybody")


@pytest.mark.integration
async def test_a_broker_that_is_missing_is_told(kafka: str) -> None:
    finding = await doctor.check_kafka(_settings(kafka_bootstrap_servers=kafka, posto_brokers=3))
    assert (finding.ok, "1 of 3 brokers" in finding.detail) == (False, True)
    assert "posto status" in finding.advice


@pytest.mark.integration
async def test_topics_that_are_not_as_declared_are_found(kafka: str) -> None:
    """No other test makes the hub's topics with 1,000 partitions on the shared broker."""
    settings = _settings(kafka_bootstrap_servers=kafka, posto_partitions=1000)
    assert (await doctor.check_kafka(settings)).ok
    finding = await doctor.check_topics_of(settings)
    assert not finding.ok
    assert "raw.event" in finding.detail
    assert finding.advice == "Run `posto topics apply`."


@pytest.mark.integration
async def test_pending_migrations_are_named(mysql: str) -> None:
    settings = _settings(mysql_dsn=mysql)
    assert (await doctor.check_mysql(settings)).ok
    finding = await doctor.check_migrations(settings)
    assert not finding.ok
    assert "0001_configuration.sql" in finding.detail
    assert finding.advice == "Run `posto migrate`."


@pytest.mark.integration
async def test_a_refused_login_is_told_apart_from_a_database_that_is_away(mysql: str) -> None:
    wrong = mysql.replace("mysql://posto:", "mysql://posto:no")
    finding = await doctor.check_mysql(_settings(mysql_dsn=wrong))
    assert not finding.ok
    assert "user, password" in finding.advice


@pytest.mark.integration
async def test_alarms_that_stand_are_shown_and_fail_nothing(hub: Settings) -> None:
    assert await doctor.check_alarms(hub) == doctor.Finding("alarms", True, "none stands")
    noon = datetime(2026, 1, 15, 12, tzinfo=UTC)
    silent = [
        Alarm(kind=AlarmKind.CHANNEL_SILENT, subject=subject, message="Look.", at=noon) for subject in ("one", "two")
    ]
    async with alarm_log(connection(hub)) as alarms:
        await alarms.settle(silent, (AlarmKind.CHANNEL_SILENT,), noon)
        await alarms.settle(silent[1:], (AlarmKind.CHANNEL_SILENT,), noon)
    finding = await doctor.check_alarms(hub)
    assert (finding.ok, finding.detail) == (True, "1 alarm: channel_silent two since 2026-01-15 12:00 UTC")


@pytest.mark.integration
async def test_rows_that_are_not_in_force_as_written_are_named(hub: Settings, db: Database) -> None:
    finding = await doctor.check_configuration(hub)
    assert (finding.ok, "posto publish" in finding.detail) == (False, True)
    await author(db, *SEEDS)
    await publish_configuration(hub)
    finding = await doctor.check_configuration(hub)
    assert finding == doctor.Finding("config", True, "in force: 2 rules, 1 template, 1 channel")
    await author(
        db,
        "UPDATE routing_rules SET conditions = '{\"amount\": {\"$no\": 1}}' WHERE id = 'r'",
        "DELETE FROM message_templates",
    )
    finding = await doctor.check_configuration(hub)
    assert not finding.ok
    assert "2 not in force as written: config.rule/r: conditions.amount.$no: unknown operator" in finding.detail
    assert "config.template/t: it was deleted" in finding.detail
    await author(db, "DELETE FROM routing_rules")
    assert "lost all" in (await doctor.check_configuration(hub)).detail
