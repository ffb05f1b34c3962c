"""What runs of a stack."""

from dataclasses import dataclass

from infra.stack import orphans
from infra.stack.environment import PORTS, read
from infra.stack.layout import Layout
from infra.stack.supervision import ProcessState, Supervisor


@dataclass(frozen=True)
class ProcessReport:
    """One process; `state` is the supervisor's word, or ORPHANED where no supervisor looks after it."""

    name: str
    state: str
    pid: int | None
    port: int | None
    uptime_seconds: int | None


def report(layout: Layout) -> list[ProcessReport]:
    """Every process of the stack, in the order in which they start; empty where the stack is down."""
    supervisor = Supervisor(layout)
    if not supervisor.is_running():
        return [
            ProcessReport(process.name(), "ORPHANED", process.pid, None, None) for process in orphans.processes(layout)
        ]
    environment = read(layout.env)
    return [
        ProcessReport(state.name, state.state, state.pid, _port(state.name, environment), state.uptime_seconds)
        for state in sorted(supervisor.states(), key=_rank)
    ]


_PORT_OF = {
    "kafka": "POSTO_KAFKA_PORT",
    "mysql": "POSTO_MYSQL_PORT",
    "simulator": "POSTO_SIM_PORT",
    "edge": "POSTO_EDGE_PORT",
    "worker": "POSTO_METRICS_PORT",
}


def _rank(state: ProcessState) -> tuple[int, int]:
    kind, _, number = state.name.partition("-")
    return list(_PORT_OF).index(kind), int(number or 0)


def _port(name: str, environment: dict[str, str]) -> int:
    kind, _, number = name.partition("-")
    setting = _PORT_OF[kind]
    first = int(environment.get(setting, PORTS[setting]))
    return first + int(number) - 1 if number else first
