"""Kafka and MySQL as containers, where a Docker engine answers and this machine has no servers of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from infra.stack import kafka as local_kafka
from infra.stack import mysql as local_mysql
from infra.stack import ports
from infra.stack.tools import Tool
from infra.stack.waiting import until

_START_SECONDS = 120.0


def wanted(*tools: Tool) -> bool:
    """Whether to use containers: asked for with POSTO_TEST_CONTAINERS=1, or a tool is missing and an engine answers."""
    if os.environ.get("POSTO_TEST_CONTAINERS") == "1":
        return True
    return any(tool.find() is None for tool in tools) and engine_answers()


@cache
def engine_answers() -> bool:
    """Whether a Docker engine can be reached."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=5)
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except DockerException:
        return False
    finally:
        client.close()


@contextmanager
def kafka() -> Iterator[str]:
    """One broker of the image that docker-compose.kafka.yml uses; yields its bootstrap servers."""
    from testcontainers.core.container import DockerContainer

    port = ports.free_port()
    bootstrap_servers = f"127.0.0.1:{port}"
    container = DockerContainer(f"apache/kafka:{local_kafka.VERSION}").with_bind_ports(9092, port)
    for line in local_kafka.server_properties(9092, 9093).splitlines():
        name, _, value = line.partition("=")
        container = container.with_env("KAFKA_" + name.upper().replace(".", "_"), value)
    container = container.with_env("KAFKA_LISTENERS", "PLAINTEXT://:9092,CONTROLLER://127.0.0.1:9093")
    container = container.with_env("KAFKA_ADVERTISED_LISTENERS", f"PLAINTEXT://{bootstrap_servers}")
    with container:
        until(lambda: local_kafka.is_ready(bootstrap_servers), _START_SECONDS, lambda: "The Kafka container is silent.")
        yield bootstrap_servers


@contextmanager
def mysql() -> Iterator[str]:
    """One MySQL 8; yields the DSN of its database `posto`, whose user may make others named `posto_...`."""
    from testcontainers.core.container import DockerContainer

    port = ports.free_port()
    password = os.urandom(16).hex()
    container = DockerContainer("mysql:8.4").with_bind_ports(3306, port)
    settings = {"DATABASE": local_mysql.DATABASE, "USER": local_mysql.USER, "PASSWORD": password}
    for name, value in {**settings, "ROOT_PASSWORD": os.urandom(16).hex()}.items():
        container = container.with_env(f"MYSQL_{name}", value)
    with container:
        until(lambda: local_mysql.is_ready(port, password), _START_SECONDS, lambda: "The MySQL container is silent.")
        grant = f"GRANT ALL ON `{local_mysql.DATABASE}%`.* TO {local_mysql.USER}"
        container.exec(["sh", "-c", 'mysql -uroot -p"$MYSQL_ROOT_PASSWORD" -e "$0"', grant])
        yield f"mysql://{local_mysql.USER}:{password}@127.0.0.1:{port}/{local_mysql.DATABASE}"
