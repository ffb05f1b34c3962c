"""What runs of a stack, and what of it does its work."""

import http.client
import json
from dataclasses import dataclass
from functools import partial

from infra.stack import orphans
from infra.stack.environment import PORTS, read
from infra.stack.layout import Layout
from infra.stack.parallel import together
from infra.stack.supervision import ProcessState, Supervisor


@dataclass(frozen=True)
class ProcessReport:
    """One process; `state` is the supervisor's word, or ORPHANED where no supervisor looks after it.

    Edge and workers say themselves whether they do their work: `ready`, else what they wait for. None of the others.
    """

    name: str
    state: str
    pid: int | None
    port: int | None
    uptime_seconds: int | None
    ready: bool | None = None
    waits_for: str | None = None


def report(layout: Layout) -> list[ProcessReport]:
    """Every process of the stack, in the order in which they start; empty where the stack is down."""
    supervisor = Supervisor(layout)
    if not supervisor.is_running():
        return [
            ProcessReport(process.name(), "ORPHANED", process.pid, None, None) for process in orphans.processes(layout)
        ]
    environment = read(layout.env)
    states = sorted(supervisor.states(), key=_rank)
    return together([partial(_report, state, _port(state.name, environment)) for state in states])


def _report(state: ProcessState, port: int) -> ProcessReport:
    waits_for = _waits_for(port) if state.name.partition("-")[0] in _SAY_WHETHER_READY and state.pid else None
    return ProcessReport(
        name=state.name,
        state=state.state,
        pid=state.pid,
        port=port,
        uptime_seconds=state.uptime_seconds,
        ready=None if waits_for is None else not waits_for,
        waits_for=waits_for or None,
    )


_SAY_WHETHER_READY = {"edge", "worker"}
_ANSWER_SECONDS = 1.0


def _waits_for(port: int) -> str:
    """What a process waits for, by its own word; empty where it is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        if answer.status == http.HTTPStatus.OK:
            return ""
        return str(json.loads(answer.read()).get("detail") or f"it answers {answer.status}")
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return "it does not answer"
    finally:
        connection.close()


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
