"""Kafka and MySQL of a test run, as local processes through infra/stack or as containers."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

from infra.settings import parse_dsn
from infra.stack import kafka, mysql, ports, tools
from infra.stack.foreground import running
from infra.stack.layout import CHECKOUT
from tests.support import containers

JARS = CHECKOUT / ".local" / "kafka"
"""Kafka's jars are kept between runs; everything else of a run lies in its temporary folder."""


def jars(folder: Path, log: Path) -> Path:
    """Kafka's jars below `folder`, from those kept, which may be removed while we use ours."""
    kept = kafka.fetch_libraries(JARS, log)
    own = kafka.libraries(folder)
    try:
        shutil.copytree(kept, own, copy_function=os.link)
    except shutil.Error:  # another file system
        shutil.copytree(kept, own, dirs_exist_ok=True)
    return own


@contextmanager
def kafka_server(folder: Path) -> Iterator[str]:
    """A broker of this run's own; yields its bootstrap servers."""
    if containers.wanted(tools.JAVA, *(() if kafka.libraries(JARS).is_dir() else (tools.MAVEN,))):
        with containers.kafka() as bootstrap_servers:
            yield bootstrap_servers
        return
    port = ports.free_port()
    log = folder / "kafka.log"
    program = kafka.prepare(folder / "kafka", port, jars(folder / "kafka", log), log)
    bootstrap_servers = f"127.0.0.1:{port}"
    with running(program, log):
        yield bootstrap_servers


@contextmanager
def mysql_server(folder: Path) -> Iterator[str]:
    """A database server of this run's own; yields the DSN of its database `posto`, whose user may make `posto_...`."""
    if containers.wanted(tools.DATABASE):
        with containers.mysql() as dsn:
            yield dsn
        return
    port = ports.free_port()
    password = secrets.token_hex(16)
    log = folder / "mysql.log"
    with tempfile.TemporaryDirectory(prefix="posto-") as short:  # pytest's folders are too long for a socket
        program = mysql.prepare(folder / "mysql", port, Path(short) / "mysql.sock", password, log)
        with running(program, log):
            yield f"mysql://{mysql.USER}:{password}@127.0.0.1:{port}/{mysql.DATABASE}"


@contextmanager
def database(server: str) -> Iterator[str]:
    """A fresh, empty database on the server of `server` (a DSN); yields its DSN and drops it afterwards."""
    name = f"posto_test_{os.urandom(6).hex()}"
    _execute(server, f"CREATE DATABASE {name}")
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        _execute(server, f"DROP DATABASE {name}")


def _execute(dsn: str, statement: str) -> None:
    address = parse_dsn(dsn)
    connection = pymysql.connect(
        host=address.host, port=address.port, user=address.user, password=address.password.get_secret_value()
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
