"""What `posto doctor` looks at: each check says what it found and, where that is not well, what to do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import httpx
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from adapters.gateway.client import GatewayClient
from adapters.gateway.errors import GatewayError
from adapters.mysql.errors import DatabaseError, DatabaseUnavailableError
from adapters.objects import StoreUnavailableError, is_bucket
from infra.configuration import vanished_message
from infra.database import database
from infra.errors import OperatorError
from infra.in_force import authored_in, differences, read_in_force
from infra.kafka import connection
from infra.media import store
from infra.migrations import MigrationError, migrations
from infra.settings import Settings
from infra.topics import check_topics
from streams.alarm_log import read_alarms
from streams.configuration import counted

T = TypeVar("T")

_ANSWER_SECONDS = 10.0
_GATEWAY_SECONDS = 65.0
"""The gateway takes up to a minute to list its channels."""


@dataclass(frozen=True)
class Finding:
    """The result of one check; `advice` says what to do, and is empty where all is well."""

    check: str
    ok: bool
    detail: str
    advice: str = ""


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Run all checks; what hangs on something that is away is not asked."""
    yield check_settings(settings)
    kafka = await check_kafka(settings)
    yield kafka
    if kafka.ok:
        yield await check_topics_of(settings)
        yield await check_alarms(settings)
    mysql = await check_mysql(settings)
    yield mysql
    if mysql.ok:
        yield await check_migrations(settings)
    if kafka.ok and mysql.ok:
        yield await check_configuration(settings)
    yield await check_media(settings)
    yield await check_gateway(settings)
    yield await check_webhook(settings)


def check_settings(settings: Settings) -> Finding:
    """Whether the secrets that keep strangers out are set."""
    missing = [
        name
        for name in ("EVENT_INGESTION_SECRET", "PIXELHUB_WHATSAPP_WEBHOOK_SECRET", "POSTO_ADMIN_TOKEN", "MYSQL_DSN")
        if not getattr(settings, name.lower()).get_secret_value()
    ]
    if missing:
        advice = "Put them into the environment or .env (see .env.example); `posto up` makes them for a local stack."
        return Finding("settings", False, f"not set: {', '.join(missing)}", advice)
    return Finding("settings", True, "all secrets are set")


async def check_kafka(settings: Settings) -> Finding:
    """Whether Kafka answers, and with all of its brokers where the stack brought them."""
    servers = settings.kafka_bootstrap_servers

    async def ask() -> Finding:
        admin = AIOKafkaAdminClient(**connection(settings))
        try:
            await admin.start()
            cluster = await admin.describe_cluster()
        finally:
            await admin.close()
        found, wanted = len(cluster["brokers"]), settings.posto_brokers
        if found < wanted:
            advice = "`posto status` says which one is away, its log in .local/log why; the hub works on meanwhile."
            return Finding("kafka", False, f"{servers} answers, but {found} of {wanted} brokers are there", advice)
        return Finding("kafka", True, f"{servers} answers, {_number(found, 'broker')}")

    try:
        return await _in_time(ask)
    except (KafkaError, OSError) as error:
        advice = (
            "Start it (`posto up` starts a local one), or check KAFKA_BOOTSTRAP_SERVERS and KAFKA_SECURITY_PROTOCOL."
        )
        return Finding("kafka", False, f"{servers}: {_said(error)}", advice)


async def check_topics_of(settings: Settings) -> Finding:
    """Whether the topics are what the code declares."""
    try:
        problems = await _in_time(lambda: check_topics(settings))
    except (KafkaError, TimeoutError) as error:
        return Finding("topics", False, _said(error), "Run `posto doctor` again once Kafka answers.")
    if problems:
        return Finding("topics", False, " ".join(problems), "Run `posto topics apply`.")
    return Finding("topics", True, "all there, as declared")


async def check_alarms(settings: Settings) -> Finding:
    """Which alarms stand. They are shown and fail nothing: what they are about is somebody's work already."""
    try:
        standing = (await _in_time(lambda: read_alarms(connection(settings)))).standing()
    except (KafkaError, TimeoutError) as error:
        return Finding("alarms", False, _said(error), "Run `posto doctor` again once Kafka answers.")
    told = "; ".join(f"{one.kind} {one.subject} since {since:%Y-%m-%d %H:%M} UTC" for one, since in standing)
    advice = "`posto status` says what to do about each." if standing else ""
    return Finding("alarms", True, f"{_number(len(standing), 'alarm')}: {told}" if standing else "none stands", advice)


async def check_mysql(settings: Settings) -> Finding:
    """Whether the database lets us in."""
    if not settings.mysql_dsn.get_secret_value():
        return Finding("mysql", False, "MYSQL_DSN is not set", "Set it to mysql://user:password@host:port/database.")
    where = f"{settings.mysql.host}:{settings.mysql.port}/{settings.mysql.database}"
    db = database(settings, connections=1)

    async def ask() -> Finding:
        version = (await db.fetch("SELECT VERSION() AS version"))[0]["version"]
        return Finding("mysql", True, f"{where} answers, version {version}")

    try:
        return await _in_time(ask)
    except (DatabaseUnavailableError, TimeoutError) as error:
        advice = "Start it (`posto up` starts a local one), or check host and port of MYSQL_DSN."
        return Finding("mysql", False, f"{where}: {_said(error)}", advice)
    except DatabaseError as error:
        advice = "Check user, password and database of MYSQL_DSN, and the user's grants."
        return Finding("mysql", False, f"{where}: {_said(error)}", advice)
    finally:
        await db.close()


async def check_migrations(settings: Settings) -> Finding:
    """Whether the tables are up to date."""
    try:
        known = await _in_time(lambda: migrations(settings))
    except (MigrationError, TimeoutError) as error:
        return Finding("migrations", False, _said(error), "Mend that and run `posto migrate`.")
    pending = [migration.name for migration in known if migration.applied_at is None]
    if pending:
        return Finding("migrations", False, f"pending: {', '.join(pending)}", "Run `posto migrate`.")
    return Finding("migrations", True, f"all {len(known)} applied")


async def check_configuration(settings: Settings) -> Finding:
    """Whether a complete configuration is in force, and all that MySQL says makes sense."""
    try:
        published = await read_in_force(settings, _ANSWER_SECONDS)
        found = differences(await _in_time(lambda: authored_in(settings)), published)
    except (OperatorError, DatabaseError, KafkaError, TimeoutError) as error:
        return Finding("config", False, _said(error), "Run `posto doctor` again once that is mended.")
    if found.vanished:
        return Finding("config", False, vanished_message(found.vanished), "Restore the rows, or say that it is meant.")
    if found.faults:
        faults = "; ".join(f"{subject}: {reason}" for subject, reason in found.faults.items())
        advice = "Correct these rows in MySQL. What was in force before stays in force."
        return Finding("config", False, f"{len(found.faults)} not in force as written: {faults}", advice)
    counts = counted(published.entries)
    listed = (_number(counts.rules, "rule"), _number(counts.templates, "template"), _number(counts.channels, "channel"))
    pending = f"; about to be published: {_number(found.pending, 'change')}" if found.pending else ""
    return Finding("config", True, f"in force: {', '.join(listed)}{pending}")


async def check_media(settings: Settings) -> Finding:
    """Whether the bucket of files answers; a folder is that of the workers, wherever they are."""
    location = settings.media_store
    if not is_bucket(location):
        return Finding("media", True, f"files go to the folder {location}")
    try:
        await _in_time(store(settings).check)
    except (StoreUnavailableError, TimeoutError) as error:
        advice = "Check POSTO_MEDIA_STORE, _ENDPOINT, _REGION and the key, which must allow to get, put and list."
        return Finding("media", False, _said(error), advice)
    return Finding("media", True, f"files go to {location}, which answers")


async def check_gateway(settings: Settings) -> Finding:
    """Whether the gateway answers and takes our secret; its channels with their states."""
    address = settings.wpp_gateway_base_url

    async def ask() -> Finding:
        async with GatewayClient(address, settings.wpp_gateway_secret.get_secret_value()) as gateway:
            listed = await gateway.list_channels()
        channels = ", ".join(f"{channel.name or channel.id} {channel.status}" for channel in listed.channels)
        return Finding("gateway", True, f"{address} answers; channels: {channels or 'none'}")

    try:
        return await _in_time(ask, _GATEWAY_SECONDS)
    except GatewayError as error:
        refused = error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
        advice = "Set WPP_GATEWAY_SECRET to the gateway's secret." if refused else _GATEWAY_ADVICE
        return Finding("gateway", False, f"{address}: {_said(error)}", advice)
    except TimeoutError as error:
        return Finding("gateway", False, f"{address}: {_said(error)}", _GATEWAY_ADVICE)


_GATEWAY_ADVICE = "Start it (`posto simulate` is one to try things with), or check WPP_GATEWAY_BASE_URL."


async def check_webhook(settings: Settings) -> Finding:
    """Whether the webhook is the edge's and takes our secret: an empty body is answered 400, and kept nowhere."""
    url = settings.pixelhub_whatsapp_webhook_url
    secret = next(iter(settings.webhook_secrets), "")
    headers = {"Content-Type": "application/json", **({"X-Webhook-Secret": secret} if secret else {})}
    try:
        async with httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=False) as client:
            status = (await client.post(url, content=b"", headers=headers)).status_code
    except httpx.HTTPError as error:
        advice = "Start the edge (`posto edge`), or check PIXELHUB_WHATSAPP_WEBHOOK_URL."
        return Finding("webhook", False, f"{url}: {_said(error)}", advice)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        advice = "Give the edge and this shell the same PIXELHUB_WHATSAPP_WEBHOOK_SECRET, and the gateway too."
        return Finding("webhook", False, f"{url} refuses the secret (status {status})", advice)
    if status != HTTPStatus.BAD_REQUEST:
        advice = "PIXELHUB_WHATSAPP_WEBHOOK_URL must end in /api/whatsapp/webhook and lead to the edge."
        return Finding("webhook", False, f"{url} is no webhook of ours (status {status})", advice)
    if not secret:
        advice = "Set PIXELHUB_WHATSAPP_WEBHOOK_SECRET for the edge and for the gateway."
        return Finding("webhook", False, f"{url} takes webhooks from anybody", advice)
    return Finding("webhook", True, f"{url} answers and takes the secret")


async def _in_time(ask: Callable[[], Awaitable[T]], seconds: float = _ANSWER_SECONDS) -> T:
    async with asyncio.timeout(seconds):
        return await ask()


def _said(error: BaseException) -> str:
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
