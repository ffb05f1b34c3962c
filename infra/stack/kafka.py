"""The stack's own Apache Kafka: jars by Maven, one KRaft node on loopback, or three that are a cluster."""

import asyncio
import base64
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from infra.errors import StackError
from infra.stack import ports, tools
from infra.stack.parallel import together
from infra.stack.program import Program

POM = Path(__file__).with_name("pom.xml")
VERSION = "4.1.0"

_HEAP_ALONE, _HEAP_OF_SEVERAL = "-Xmx768m", "-Xmx384m"

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


def server_properties(port: int, controller_port: int, number: int = 1, controllers: Sequence[int] = ()) -> str:
    """A node's configuration: loopback only, internal topics on all nodes, no topics by accident.

    `controllers` are the controller ports of all nodes, where there is more than this one. `log.dirs` is relative to
    the folder in which the broker starts.
    """
    voters = dict(enumerate(controllers or (controller_port,), start=1))
    copies, in_sync = len(voters), min(2, len(voters))
    return f"""\
process.roles=broker,controller
node.id={number}
controller.quorum.voters={",".join(f"{voter}@127.0.0.1:{at}" for voter, at in voters.items())}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=data
auto.create.topics.enable=false
default.replication.factor={copies}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=8
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={in_sync}
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
    [program] = prepare_all(folder, [port], jars, log, own)
    return program


def prepare_all(
    folder: Path, broker_ports: Sequence[int], jars: Path, log: Path, own: Collection[int] = ()
) -> list[Program]:
    """As `prepare`, for one broker or for several that are one cluster; each has a folder of its own then."""
    folders = _folders(folder, len(broker_ports))
    for each in folders:
        each.mkdir(parents=True, exist_ok=True)
    controllers = [_controller_port(each, own) for each in folders]
    texts = [
        server_properties(port, controllers[number - 1], number, controllers)
        for number, port in enumerate(broker_ports, start=1)
    ]
    cluster = _cluster_id(folder)
    jobs = [
        partial(_ensure_formatted, each, text, cluster, jars, log) for each, text in zip(folders, texts, strict=True)
    ]
    together(jobs)
    heap = _HEAP_ALONE if len(folders) == 1 else _HEAP_OF_SEVERAL
    return [
        _program(f"kafka-{number}" if len(folders) > 1 else "kafka", number, port, each, text, jars, heap)
        for number, (port, each, text) in enumerate(zip(broker_ports, folders, texts, strict=True), start=1)
    ]


def brokers_of(folder: Path) -> int | None:
    """How many brokers have their data below the folder; None where there is none yet."""
    if (folder / "data").is_dir():
        return 1
    return sum((each / "data").is_dir() for each in folder.glob("broker-*")) or None


def _folders(folder: Path, brokers: int) -> list[Path]:
    return [folder] if brokers == 1 else [folder / f"broker-{number}" for number in range(1, brokers + 1)]


def _program(name: str, number: int, port: int, folder: Path, properties: str, jars: Path, heap: str) -> Program:
    return Program(
        name=name,
        command=[
            str(tools.java()),
            "-Xms128m",
            heap,
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
        is_ready=lambda: is_ready(f"127.0.0.1:{port}", number),
        stop_seconds=30,
        revision=properties,
    )


def _controller_port(folder: Path, own: Collection[int]) -> int:
    """The controller's port: that of last time where nobody else has taken it meanwhile, else a new one."""
    file = folder / "controller.port"
    if file.exists() and ports.is_ours(port := int(file.read_text()), own):
        return port
    port = ports.free_port()
    file.write_text(f"{port}\n")
    return port


def is_ready(bootstrap_servers: str, number: int | None = None) -> bool:
    """Whether a broker answers with its metadata; with a number, whether that broker is in there."""
    host, _, port = bootstrap_servers.partition(",")[0].rpartition(":")
    return (host != "127.0.0.1" or ports.is_open(int(port))) and asyncio.run(_answers(bootstrap_servers, number))


async def _answers(bootstrap_servers: str, number: int | None) -> bool:
    from aiokafka.client import AIOKafkaClient
    from aiokafka.errors import KafkaError

    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=2000)
    try:
        await client.bootstrap()
        return any(number in {None, broker.nodeId} for broker in client.cluster.brokers())
    except KafkaError:
        return False
    finally:
        await client.close()


def _cluster_id(folder: Path) -> str:
    """The id that all brokers of the stack share: that of last time, else a new one."""
    file = folder / "cluster.id"
    if file.exists():
        return file.read_text().strip()
    # One in 64 of these ids begins with a hyphen: it must not stand alone as an argument.
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    file.write_text(f"{cluster}\n")
    return cluster


def _ensure_formatted(folder: Path, properties: str, cluster: str, jars: Path, log: Path) -> None:
    """Write the configuration; format new storage beside its final place and move it there when it is whole."""
    (folder / "server.properties").write_text(properties)
    if (folder / "data").is_dir():
        return
    java = str(tools.java())
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
