"""The whole system as processes of our own: Kafka, MySQL, gateway, edge and workers, with a supervisor."""

import asyncio
import dataclasses
import shutil
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pymysql

from infra.configuration import publish_configuration, require_complete
from infra.migrations import migrate
from infra.seeds import seed
from infra.settings import Settings, load
from infra.stack import application, kafka, mysql
from infra.stack.environment import StackEnvironment, decide
from infra.stack.layout import Layout
from infra.stack.program import Program
from infra.topics import apply_topics
from tests.chaos.process import Process
from tests.support.servers import jars
from tests.support.stack import own_ports
from tests.support.waiting import eventually

WORKERS: Final = 3
"""Most workers that a scenario has."""
SLOTS: Final = 10
"""Runs that fresh data is good for: each has tenants and channels that no other one uses."""
CHANNELS: Final = 3
"""Channels of a run."""

SETTINGS: Final = {
    "POSTO_PARTITIONS": "4",
    "POSTO_SESSION_TIMEOUT_SECONDS": "6",
    "POSTO_SEND_RETRY_SECONDS": "0.3,0.5,1,1.5",
    "POSTO_SEND_MAX_ATTEMPTS": "60",
    "POSTO_DRAIN_SECONDS": "2",
    "POSTO_UNCERTAIN_WAIT_SECONDS": "6",
    "POSTO_SIM_ACK_DELAY_SECONDS": "0.1",
    "POSTO_COMMIT_INTERVAL_SECONDS": "0.3",
}
"""Waits that are short enough for a run, and long enough to be met by its faults."""

_READY_SECONDS: Final = 180.0
_RESTART_SECONDS: Final = 0.3
_RULES: Final = (
    ("chaos.once", "chaos.once", "whatsapp", "at_most_once"),
    ("chaos.again", "chaos.again", "whatsapp", "at_least_once"),
    ("chaos.note", "chaos.note", "none", "at_most_once"),
)


def channel_id(slot: int, number: int) -> str:
    """The gateway's spelling of a channel of a run."""
    return f"Chaos {slot}-{number}"


def tenant_id(slot: int, number: int) -> int:
    """The tenant of a channel of a run."""
    return 1000 + slot * CHANNELS + number


class System:
    """Brought up by `fresh()`; what ends is started again, with the faults it was armed with until it was killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exits: Counter[str] = Counter()
        self.processes: dict[str, Process] = {}
        self.brokers: list[str] = []
        self._armed: dict[str, Mapping[str, str]] = {}
        self.environment: StackEnvironment
        self.settings: Settings
        self._supervising: asyncio.Task[None] | None = None

    @property
    def edge(self) -> str:
        return f"http://127.0.0.1:{self.environment.port('POSTO_EDGE_PORT')}"

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.environment.port('POSTO_SIM_PORT')}"

    async def fresh(self, brokers: int = 1) -> None:
        """Everything anew, on empty data."""
        await self.stop()
        layout = Layout.at(self.folder / "local")
        shutil.rmtree(layout.root, ignore_errors=True)
        layout.create()
        wanted = {**SETTINGS, **own_ports(WORKERS, brokers), "POSTO_BROKERS": str(brokers)}
        self.environment = decide(wanted, {}, layout)
        self.settings = _settings(self.environment)
        log = layout.log / "prepare.log"
        values = self.environment.values
        kafkas = kafka.prepare_all(layout.kafka, self.environment.broker_ports, jars(layout.kafka, log), log)
        database = mysql.prepare(
            layout.mysql,
            self.environment.port("POSTO_MYSQL_PORT"),
            layout.sockets / "mysql.sock",
            values["POSTO_MYSQL_PASSWORD"],
            log,
        )
        self.brokers = [program.name for program in kafkas]
        programs = [*kafkas, database, *application.programs(self.environment, WORKERS)]
        self.processes = {
            program.name: Process(self._adapted(program, layout), layout.log / f"{program.name}.log")
            for program in programs
        }
        for name in (*self.brokers, "mysql"):
            self.processes[name].start()
        self._supervising = asyncio.create_task(self._supervise())
        await self.ready(*self.brokers, "mysql")
        await self._prepare_data()
        for name in ("simulator", "edge"):
            self.processes[name].start()
        await self.ready("simulator", "edge")

    async def stop(self) -> None:
        """End everything; the data stay."""
        if self._supervising:
            self._supervising.cancel()
            await asyncio.gather(self._supervising, return_exceptions=True)
        for process in self.processes.values():
            process.is_wanted = False
            process.send(signal.SIGKILL)
        await asyncio.gather(*(process.ended(10) for process in self.processes.values()))

    async def ready(self, *names: str, within: float = _READY_SECONDS) -> None:
        """Wait until each says that it does its work."""

        async def are_ready() -> bool:
            missing = [name for name in names if not await self.processes[name].is_ready()]
            assert not missing, "not ready: " + "; ".join(self.processes[name].said() for name in missing)
            return True

        await eventually(are_ready, within, 0.2)

    async def calm(self, workers: int) -> None:
        """Let everything run as if nothing had been: so many workers, nobody standing still, all ready."""
        wanted = [*self.brokers, "mysql", "simulator", "edge", *(f"worker-{n + 1}" for n in range(workers))]
        for name in wanted:
            process = self.processes[name]
            process.send(signal.SIGCONT)
            self._armed.pop(name, None)
            if not process.is_alive:
                process.start(self.usual(name))
        await self.ready(*wanted)

    async def restart(self, name: str, more: Mapping[str, str] | None = None) -> None:
        """SIGTERM, then start it again; `more` is in its environment until it is killed or stopped."""
        process = self.processes[name]
        await process.stop()
        self._armed[name] = more or {}
        process.start({**self.usual(name), **self._armed[name]})

    def usual(self, name: str) -> dict[str, str]:
        """What is in the environment of a process whenever it starts."""
        log = {"POSTO_FAILPOINTS_LOG": str(self.failpoint_log)}
        return log if name == "edge" or name.startswith("worker") else {}

    @property
    def failpoint_log(self) -> Path:
        """Where the processes say which failpoints they reached."""
        return self.folder / "local" / "failpoints"

    def clock_file(self, name: str) -> Path:
        """Where a process looks for how far its clock is off."""
        return self.folder / "local" / f"{name}.clock"

    def _adapted(self, program: Program, layout: Layout) -> Program:
        command = list(program.command)
        if program.name == "simulator":
            command += ["--record", str(layout.root / "gateway.record")]
        directory = layout.root if program.name not in {*self.brokers, "mysql"} else program.directory
        return dataclasses.replace(program, command=command, directory=directory)

    async def _supervise(self) -> None:
        while True:
            await asyncio.sleep(_RESTART_SECONDS)
            for name, process in self.processes.items():
                if process.is_wanted and not process.is_alive:
                    self.exits[f"{name} {process.exit_code}"] += 1
                    if process.exit_code == -signal.SIGKILL:  # perhaps by what it was armed with
                        self._armed.pop(name, None)
                    process.start({**self.usual(name), **self._armed.get(name, {})})

    async def _prepare_data(self) -> None:
        await migrate(self.settings)
        await seed(self.settings)
        await asyncio.to_thread(self._author)
        await apply_topics(self.settings)
        require_complete(await publish_configuration(self.settings))

    def _author(self) -> None:
        """The rules of the scenarios, and tenants and channels for many runs."""
        places = [(slot, number) for slot in range(SLOTS) for number in range(CHANNELS)]
        with self.database() as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO routing_rules (id, event_type, action, policy) VALUES (%s, %s, %s, %s)", _RULES
            )
            cursor.executemany(
                "INSERT INTO tenants (id, name) VALUES (%s, %s)",
                [(tenant_id(*place), f"Tenant {channel_id(*place)}") for place in places],
            )
            cursor.executemany(
                "INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (%s, %s)",
                [(tenant_id(*place), channel_id(*place)) for place in places],
            )
            connection.commit()

    def database(self, name: str | None = None) -> Any:
        """A connection to a database of the system's server."""
        address = self.settings.mysql
        return pymysql.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password.get_secret_value(),
            database=name or address.database,
        )


def _settings(environment: StackEnvironment) -> Settings:
    values = environment.values
    return load(**{name.lower(): value for name, value in values.items() if name.lower() in Settings.model_fields})
