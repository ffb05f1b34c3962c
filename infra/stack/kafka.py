"""The stack's own Apache Kafka: jars by Maven, one KRaft node on loopback."""

import asyncio
import base64
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Collection
from pathlib import Path

from infra.errors import StackError
from infra.stack import ports, tools
from infra.stack.program import Program

POM = Path(__file__).with_name("pom.xml")
VERSION = "4.1.0"

_LARGEST_RECORD = 19_000_000
"""Bytes; above the 18 MB of `dead.letter`, the largest topic."""


def libraries(folder: Path) -> Path:
    """Where the jars of this version lie; there only when complete."""
    return folder / f"libs-{VERSION}"


def fetch_libraries(folder: Path, log: Path) -> Path:
    """Copy Kafka's jars below `folder`, from Maven's local repository where it has them, else from its registry.

    They appear under their final name only when complete, so an interrupted run leaves nothing half done.
    """
    final = libraries(folder)
    if final.is_dir():
        return final
    maven = tools.maven()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="libs-", suffix=".partial", dir=folder) as scratch:
        target = Path(scratch) / "jars"
        command = [str(maven), "--quiet", "--batch-mode", "--strict-checksums", f"--file={POM}"]
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={target}"]
        with log.open("ab") as output:
            for mode in (["--offline"], []):
                shutil.rmtree(target, ignore_errors=True)
                done = subprocess.run([*command, *mode, *goal], stdout=output, stderr=output, stdin=subprocess.DEVNULL)
                if done.returncode == 0:
                    break
            else:
                raise StackError(f"Maven could not fetch Kafka {VERSION}: see {log}, then run the same command again.")
        try:
            target.rename(final)
        except OSError:
            if not final.is_dir():  # else another run was first with the same jars
                raise
    return final


def server_properties(port: int, controller_port: int) -> str:
    """The node's configuration: loopback only, every internal topic on this one broker, no topics by accident.

    `log.dirs` is relative to the folder in which the broker starts.
    """
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=data
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=5000
broker.heartbeat.interval.ms=1000
message.max.bytes={_LARGEST_RECORD}
replica.fetch.max.bytes={_LARGEST_RECORD}
replica.fetch.response.max.bytes={_LARGEST_RECORD}
"""


def prepare(folder: Path, port: int, jars: Path, log: Path, own: Collection[int] = ()) -> Program:
    """Write the configuration, format the storage where it is new, and say how to start the broker.

    `own` are the pids of this stack, a running broker among them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    java = str(tools.java())
    text = server_properties(port, _controller_port(folder, own))
    (folder / "server.properties").write_text(text)
    if not (folder / "data").is_dir():
        _format(java, jars, text, folder, log)
    return Program(
        name="kafka",
        command=[
            java,
            "-Xms256m",
            "-Xmx768m",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
            "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config.AbstractConfig=warn",
            "-cp",
            f"{jars}/*",
            "kafka.Kafka",
            "server.properties",
        ],
        port=port,
        directory=folder,
        is_ready=lambda: is_ready(f"127.0.0.1:{port}"),
        stop_seconds=30,
        revision=text,
    )


def _controller_port(folder: Path, own: Collection[int]) -> int:
    """The controller's port: that of last time where nobody else has taken it meanwhile, else a new one."""
    file = folder / "controller.port"
    if file.exists() and ports.is_ours(port := int(file.read_text()), own):
        return port
    port = ports.free_port()
    file.write_text(f"{port}\n")
    return port


def is_ready(bootstrap_servers: str) -> bool:
    """Whether a broker answers with its metadata."""
    host, _, port = bootstrap_servers.partition(",")[0].rpartition(":")
    return (host != "127.0.0.1" or ports.is_open(int(port))) and asyncio.run(_answers(bootstrap_servers))


async def _answers(bootstrap_servers: str) -> bool:
    from aiokafka.client import AIOKafkaClient
    from aiokafka.errors import KafkaError

    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=2000)
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except KafkaError:
        return False
    finally:
        await client.close()


def _format(java: str, jars: Path, properties: str, folder: Path, log: Path) -> None:
    """Format the storage beside its final place and move it there when it is whole."""
    # One in 64 of these ids begins with a hyphen: it must not stand alone as an argument.
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = [java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{jars}/*", "kafka.tools.StorageTool"]
    with (
        tempfile.TemporaryDirectory(prefix="data-", suffix=".partial", dir=folder) as scratch,
        log.open("ab") as output,
    ):
        (Path(scratch) / "server.properties").write_text(properties)
        done = subprocess.run(
            [*command, "format", f"--cluster-id={cluster}", "--config", "server.properties"],
            cwd=scratch,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise StackError(f"Kafka's storage in {folder} could not be formatted: see {log}.")
        (Path(scratch) / "data").rename(folder / "data")
