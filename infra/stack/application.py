"""Posto's own processes in the stack: simulator, edge, workers."""

import http.client
import math
import sys
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from infra.settings import Settings
from infra.stack.environment import StackEnvironment
from infra.stack.layout import CHECKOUT
from infra.stack.program import Program

_STOP_SECONDS = 30
"""Beside POSTO_DRAIN_SECONDS, a worker ends its batch, commits and leaves its group within this time."""

_READY_PATHS = {"simulate": "/healthz", "edge": "/readyz", "worker": "/readyz"}
"""Where each command's process answers 200 once it does its work."""

_PACKAGES = ("schemas", "streams", "agents", "adapters", "infra")


def programs(environment: StackEnvironment, workers: int) -> Iterator[Program]:
    """The processes in the order in which they start; worker n serves its metrics on POSTO_METRICS_PORT + n - 1."""
    code = code_revision(CHECKOUT)
    drain = float(environment.values.get("POSTO_DRAIN_SECONDS") or Settings.model_fields["posto_drain_seconds"].default)

    def program(name: str, command: str, port: int, **more: str) -> Program:
        return Program(
            name=name,
            command=[sys.executable, "-P", "-m", "infra.cli", command],
            port=port,
            directory=Path.cwd(),
            is_ready=lambda: answers(port, _READY_PATHS[command]),
            environment={**environment.values, "PYTHONUNBUFFERED": "1", **more},
            stop_seconds=_STOP_SECONDS + math.ceil(drain),
            revision=code,
        )

    if "simulator" in environment.local:
        yield program("simulator", "simulate", environment.port("POSTO_SIM_PORT"))
    yield program("edge", "edge", environment.port("POSTO_EDGE_PORT"))
    for number in range(workers):
        port = environment.port("POSTO_METRICS_PORT") + number
        yield program(f"worker-{number + 1}", "worker", port, POSTO_METRICS_PORT=str(port))


def answers(port: int, path: str) -> bool:
    """Whether `GET path` on this machine is answered 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def code_revision(checkout: Path) -> str:
    """Changes whenever a file of the packages does, so that `posto up` restarts processes that run older code."""
    digest = blake2b(digest_size=8)
    for package in _PACKAGES:
        for file in sorted((checkout / package).rglob("*")):
            if file.is_file() and file.parent.name != "__pycache__":
                status = file.stat()
                digest.update(f"{file}|{status.st_mtime_ns}|{status.st_size}\n".encode())
    return digest.hexdigest()
