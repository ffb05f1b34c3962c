"""Kafka and the database as `posto up` starts them."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import aiomysql
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.errors import StackError
from infra.settings import parse_dsn
from infra.stack import orphans, ports
from infra.stack.down import down
from infra.stack.environment import decide
from infra.stack.foreground import running
from infra.stack.layout import Layout
from infra.stack.program import Program
from infra.stack.progress import Progress
from infra.stack.status import report
from infra.stack.supervision import Supervisor
from infra.stack.up import Stack
from tests.support.servers import jars
from tests.support.stack import own_ports
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def kept_jars(layout: Layout) -> None:
    jars(layout.kafka, layout.log / "kafka.log")


@pytest.fixture
def chosen_ports() -> dict[str, str]:
    return own_ports()


def _stack(layout: Layout, settings: dict[str, str], quiet: Progress) -> tuple[Stack, dict[str, str]]:
    environment = decide({"POSTO_MYSQL_PASSWORD": "kept", **settings}, {}, layout)
    return Stack(layout, environment, 1, quiet), dict(environment.values)


async def _remember(env: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=env["KAFKA_BOOTSTRAP_SERVERS"])
    await admin.start()
    await admin.create_topics([NewTopic("remembered", 1, 1)])
    await admin.close()
    await _execute(env, "CREATE TABLE remembered (id INT)")


async def _is_remembered(env: dict[str, str]) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=env["KAFKA_BOOTSTRAP_SERVERS"])
    await admin.start()
    topics = await admin.list_topics()
    await admin.close()
    return "remembered" in topics and ("remembered",) in await _execute(env, "SHOW TABLES")


async def _execute(env: dict[str, str], statement: str) -> list[tuple[str, ...]]:
    address = parse_dsn(env["MYSQL_DSN"])
    connection = await aiomysql.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password.get_secret_value(),
        db=address.database,
    )
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(statement)
            return list(await cursor.fetchall())
    finally:
        connection.close()


def _pids(layout: Layout) -> dict[str, int | None]:
    return {process.name: process.pid for process in report(layout) if process.name in {"kafka", "mysql"}}


async def test_starting_twice_is_harmless_and_data_outlives_a_stop(
    layout: Layout, chosen_ports: dict[str, str], quiet: Progress
) -> None:
    stack, env = _stack(layout, chosen_ports, quiet)
    stack.take_over()
    stack.start_infrastructure()
    pids = _pids(layout)
    await _remember(env)

    again, _ = _stack(layout, chosen_ports, quiet)
    again.take_over()
    again.start_infrastructure()
    assert _pids(layout) == pids

    down(layout, quiet)
    assert orphans.processes(layout) == []
    once_more, _ = _stack(layout, chosen_ports, quiet)
    once_more.take_over()
    once_more.start_infrastructure()
    assert await _is_remembered(env)


async def test_a_killed_broker_comes_back(layout: Layout, chosen_ports: dict[str, str], quiet: Progress) -> None:
    stack, _ = _stack(layout, {**chosen_ports, "MYSQL_DSN": "mysql://a:b@db.example/c"}, quiet)
    stack.start_infrastructure()
    pid = Supervisor(layout).state("kafka").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: Supervisor(layout).state("kafka").pid not in {None, pid})
    port = chosen_ports["POSTO_KAFKA_PORT"]
    await eventually(lambda: ports.is_open(int(port)), timeout=30)


def test_a_given_database_is_not_replaced_by_a_local_one(
    layout: Layout, chosen_ports: dict[str, str], quiet: Progress
) -> None:
    given = {"MYSQL_DSN": "mysql://a:b@db.example/c", "KAFKA_BOOTSTRAP_SERVERS": "broker.example:9092"}
    stack, _ = _stack(layout, {**chosen_ports, **given}, quiet)
    stack.start_infrastructure()
    assert [process.name for process in report(layout)] == ["simulator", "edge", "worker-1"]
    assert not (layout.mysql / "data").exists()
    assert not (layout.kafka / "data").exists()


def test_a_stranger_on_a_port_stops_everything_before_it_starts(
    layout: Layout, chosen_ports: dict[str, str], quiet: Progress, listener: int
) -> None:
    stack, _ = _stack(layout, {**chosen_ports, "POSTO_SIM_PORT": str(listener)}, quiet)
    with pytest.raises(StackError, match=rf"^Port {listener} \(POSTO_SIM_PORT\) is taken by .* \(pid \d+\)"):
        stack.take_over()
    assert report(layout) == []


async def test_what_an_interrupted_start_left_is_taken_up_again(
    layout: Layout, chosen_ports: dict[str, str], quiet: Progress
) -> None:
    """The jars half copied, the storage half made, a database without supervisor, a dead supervisor's socket."""
    (layout.kafka / "data-x.partial" / "data").mkdir(parents=True)
    (layout.mysql / "data-x.partial" / "data").mkdir(parents=True)
    stack, env = _stack(layout, chosen_ports, quiet)
    stack.start_infrastructure()
    await _remember(env)
    boss = Supervisor(layout).process()
    assert boss is not None
    boss.kill()
    await eventually(lambda: not boss.is_running())

    again, _ = _stack(layout, chosen_ports, quiet)
    again.take_over()
    again.start_infrastructure()
    assert await _is_remembered(env)


def test_a_program_that_keeps_ending_is_quoted(layout: Layout, chosen_ports: dict[str, str], quiet: Progress) -> None:
    """The database refuses a folder that is no database."""
    (layout.mysql / "data").mkdir()
    stack, _ = _stack(layout, {**chosen_ports, "KAFKA_BOOTSTRAP_SERVERS": "broker.example:9092"}, quiet)
    with pytest.raises(StackError, match=r"^mysql did not come up, its last words are: .+ \(more in .+/mysql\.log\)"):
        stack.start_infrastructure()


def test_a_child_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    broken = Program("broken", ["/bin/sh", "-c", "echo no such luck; exit 3"], 1, tmp_path, lambda: False)
    with pytest.raises(StackError, match=r"^broken ended with 3: no such luck$"), running(broken, tmp_path / "log"):
        pass


@pytest.fixture
def listener() -> Iterator[int]:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
