"""Bringing the stack up: every step can be repeated, whatever an earlier run left."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from infra.errors import StackError
from infra.logging import configure
from infra.settings import Settings, load
from infra.stack import application, kafka, mysql, orphans, ports, tools
from infra.stack.environment import PORTS, StackEnvironment, decide, given, read, write
from infra.stack.foreground import last_line
from infra.stack.layout import Layout
from infra.stack.lock import exclusive
from infra.stack.parallel import together
from infra.stack.program import START_SECONDS, Program
from infra.stack.progress import Progress
from infra.stack.supervision import Supervisor
from infra.stack.waiting import until

T = TypeVar("T")

_DATA_SECONDS = 90.0

_LOOK_SECONDS = 0.5
_STARTS = 3
"""So often may a program end and be started again before `posto up` gives up on it."""


def up(progress: Progress, *, demo: bool) -> StackEnvironment:
    """Bring everything up and, where asked, send one invoice and one message through."""
    settings = load()
    layout = Layout.at(settings.posto_local_dir)
    layout.create()
    with exclusive(layout):
        environment = decide_environment(layout)
        settings = load()
        with (layout.log / "up.log").open("a", encoding="utf-8") as log:
            configure(settings, "up", log)
            stack = Stack(layout, environment, settings.posto_workers, progress)
            stack.take_over()
            stack.start_infrastructure()
            stack.prepare_data(settings)
            stack.start_application()
            progress.stop()
            if demo:
                _demo(settings)
    return environment


def decide_environment(layout: Layout) -> StackEnvironment:
    """Settle the stack's environment, write it down, and make it our own for all that follows in this process."""
    environment = decide(given(os.environ), read(layout.env), layout)
    _require_same_brokers(environment, layout)
    write(layout.env, environment.values)
    os.environ.update(environment.values)
    return environment


def _require_same_brokers(environment: StackEnvironment, layout: Layout) -> None:
    """Refuse to make one broker of three or the other way round: topics keep the number of their copies."""
    there, wanted = kafka.brokers_of(layout.kafka), len(environment.broker_ports)
    if "kafka" in environment.local and there not in {None, wanted}:
        raise StackError(
            f"POSTO_BROKERS is {wanted}, but the data in {layout.kafka} is that of {there}: `posto clean` drops all "
            "data of the stack, and the next `posto up` makes it anew; or another POSTO_LOCAL_DIR with other ports is "
            "a second stack beside this one."
        )


class Stack:
    """The stack of one folder on its way up."""

    def __init__(self, layout: Layout, environment: StackEnvironment, workers: int, progress: Progress) -> None:
        self._layout = layout
        self._environment = environment
        self._progress = progress
        self._supervisor = Supervisor(layout)
        self._application = list(application.programs(environment, workers))

    def take_over(self) -> None:
        """End what an earlier run left without a supervisor, and make sure that no stranger holds our ports."""
        if not self._supervisor.is_running() and (left := orphans.processes(self._layout)):
            with self._progress.step("leftovers", f"ending {len(left)} processes of an earlier run") as step:
                orphans.end(left, step.tell)
        own = {process.pid for process in orphans.processes(self._layout)}
        ports.require_free(self._wanted_ports(), own)

    def start_infrastructure(self) -> None:
        """Have Kafka and the database running, as far as they are this stack's; both at the same time."""
        self._ensure_tools()
        infrastructure = [program for prepared in together(self._preparations()) for program in prepared]
        self._supervisor.launch([*infrastructure, *self._application])
        self._start_all(infrastructure)

    def prepare_data(self, settings: Settings) -> None:
        """Tables, seeds, topics, and the configuration published to its topics."""
        from infra.configuration import publish_configuration, refused_messages, require_complete
        from infra.migrations import migrate
        from infra.seeds import seed
        from infra.topics import apply_topics

        steps: list[tuple[str, str, str, Callable[[Settings], Coroutine[Any, Any, Any]]]] = [
            ("tables", "migrating", "up to date", migrate),
            ("seeds", "rules, templates, a demo tenant", "rules, templates, a demo tenant", seed),
            ("topics", "creating what is missing", "as declared", apply_topics),
        ]
        for name, doing, done, run in steps:
            with self._progress.step(name, doing) as step:
                asyncio.run(self._in_time(name, run(settings)))
                step.detail = done
        with self._progress.step("configuration", "publishing to config.*") as step:
            outcome = asyncio.run(self._in_time("configuration", publish_configuration(settings)))
            step.detail = "published"
            require_complete(outcome)
        for line in refused_messages(outcome):
            self._progress.line(f"  {line}")

    async def _in_time(self, name: str, work: Coroutine[Any, Any, T]) -> T:
        """Give up on a Kafka or database of somebody else's that stays away."""
        try:
            async with asyncio.timeout(_DATA_SECONDS):
                return await work
        except TimeoutError:
            log = self._layout.log / "up.log"
            raise StackError(
                f"{name}: not done after {_DATA_SECONDS:g} s; `posto doctor` says what is away, {log} has more."
            ) from None

    def start_application(self) -> None:
        """Simulator, edge and workers, all at the same time; returns when each says that it is ready."""
        self._start_all(self._application)

    def _start_all(self, programs: Sequence[Program]) -> None:
        together([partial(self._start, program) for program in programs])

    def _ensure_tools(self) -> None:
        needed = []
        if "kafka" in self._environment.local:
            needed.append(tools.JAVA)
            if not kafka.libraries(self._layout.kafka).is_dir():
                needed.append(tools.MAVEN)
        if "mysql" in self._environment.local:
            needed.append(tools.DATABASE)
        if needed:
            with self._progress.step("tools", ", ".join(tool.title for tool in needed)) as step:
                tools.ensure(needed, self._layout.log / "apt.log", step.tell)

    def _preparations(self) -> Sequence[Callable[[], Sequence[Program]]]:
        prepare = {"kafka": self._prepare_kafka, "mysql": self._prepare_mysql}
        return [run for part, run in prepare.items() if part in self._environment.local]

    def _prepare_kafka(self) -> Sequence[Program]:
        with self._progress.step("kafka files", "jars, configuration, storage"):
            log = self._layout.log / "kafka.log"
            own = {process.pid for process in orphans.processes(self._layout)}
            jars = kafka.fetch_libraries(self._layout.kafka, log)
            return kafka.prepare_all(self._layout.kafka, self._environment.broker_ports, jars, log, own)

    def _prepare_mysql(self) -> Sequence[Program]:
        with self._progress.step("mysql files", "system tables"):
            program = mysql.prepare(
                self._layout.mysql,
                self._environment.port("POSTO_MYSQL_PORT"),
                self._layout.sockets / "mysql.sock",
                self._environment.values["POSTO_MYSQL_PASSWORD"],
                self._layout.log / "mysql.log",
            )
            return [program]

    def _start(self, program: Program) -> None:
        """Start one program and wait until it is ready; one that keeps ending, or is not in time, is quoted."""
        pids: set[int | None] = {None}
        next_look = 0.0

        def is_ready() -> bool:
            nonlocal next_look
            if program.is_ready():
                return True
            if (now := time.monotonic()) >= next_look:  # the supervisor has better things to do at this time
                next_look = now + _LOOK_SECONDS
                pids.add(self._supervisor.state(program.name).pid)
                if len(pids) > 1 + _STARTS:
                    raise StackError(self._why_not(program))
            return False

        with self._progress.step(program.name, f"starting on 127.0.0.1:{program.port}") as step:
            self._supervisor.start(program.name)
            until(is_ready, START_SECONDS, lambda: self._why_not(program))
            step.detail = f"127.0.0.1:{program.port}, pid {self._supervisor.state(program.name).pid}"

    def _why_not(self, program: Program) -> str:
        log = self._layout.log / f"{program.name}.log"
        return f"{program.name} did not come up, its last words are: {last_line(log)} (more in {log})"

    def _wanted_ports(self) -> dict[str, int]:
        """The ports that the stack's own parts need, by the setting that moves them."""
        part_of = {"POSTO_KAFKA_PORT": "kafka", "POSTO_MYSQL_PORT": "mysql", "POSTO_SIM_PORT": "simulator"}
        wanted = {
            name: self._environment.port(name)
            for name in PORTS
            if name not in part_of or part_of[name] in self._environment.local
        }
        if "kafka" in self._environment.local:
            wanted |= {f"POSTO_KAFKA_PORT + {n}": port for n, port in enumerate(self._environment.broker_ports) if n}
        first = self._environment.port("POSTO_METRICS_PORT")
        workers = sum(program.name.startswith("worker-") for program in self._application)
        return wanted | {f"POSTO_METRICS_PORT + {n}": first + n for n in range(1, workers)}


def _demo(settings: Settings) -> None:
    from infra.demo import run_demo

    asyncio.run(run_demo(settings))
