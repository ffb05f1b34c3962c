"""The servers of the test run themselves."""

from collections.abc import Callable

import pymysql
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.settings import parse_dsn

pytestmark = pytest.mark.integration


def _connect(dsn: str) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    address = parse_dsn(dsn)
    return pymysql.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password.get_secret_value(),
        database=address.database,
    )


async def test_the_broker_stores_and_returns_a_record_of_eighteen_megabytes(kafka: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    topic = NewTopic("servers.large", 1, 1, topic_configs={"max.message.bytes": "18000000"})
    await admin.create_topics([topic])
    await admin.close()
    value = b"x" * 17_900_000
    async with AIOKafkaProducer(bootstrap_servers=kafka, max_request_size=19_000_000) as producer:
        await producer.send_and_wait("servers.large", value)
    consumer = AIOKafkaConsumer("servers.large", bootstrap_servers=kafka, auto_offset_reset="earliest")
    async with consumer:
        assert (await consumer.getone()).value == value


async def test_topics_are_not_made_by_accident(kafka: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    described = await admin.describe_topics(["servers.never.made"])
    assert described[0]["error_code"] == 3
    assert "servers.never.made" not in await admin.list_topics()
    await admin.close()


def test_databases_of_two_tests_are_apart(mysql: str, new_database: Callable[[], str]) -> None:
    with _connect(mysql) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE only_here (id INT)")
    with _connect(new_database()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        assert cursor.fetchall() == ()


def test_the_database_server_stores_four_byte_characters_and_keeps_utc(mysql: str) -> None:
    with _connect(mysql) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE words (word VARCHAR(10))")
        cursor.execute("INSERT INTO words VALUES (%s)", ("✓ 🎉",))
        cursor.execute("SELECT word, TIMESTAMPDIFF(SECOND, NOW(), UTC_TIMESTAMP()) FROM words")
        assert cursor.fetchone() == ("✓ 🎉", 0)
