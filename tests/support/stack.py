"""A whole local stack of the test run's own, brought up by the very command that people type."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.settings import Settings, load
from infra.stack import environment, ports
from infra.stack.layout import Layout
from tests.support.servers import jars

_UP_SECONDS = 240.0


@dataclass(frozen=True)
class Stack:
    """A running stack: its addresses, and the environment in which `posto` commands work on it."""

    layout: Layout
    env: Mapping[str, str]

    @property
    def edge(self) -> str:
        return f"http://127.0.0.1:{self.env['POSTO_EDGE_PORT']}"

    @property
    def simulator(self) -> str:
        return f"http://127.0.0.1:{self.env['POSTO_SIM_PORT']}"

    @property
    def kafka(self) -> str:
        return self.env["KAFKA_BOOTSTRAP_SERVERS"]

    @property
    def mysql(self) -> str:
        return self.env["MYSQL_DSN"]

    def settings(self) -> Settings:
        """The settings of the stack's own processes."""
        return load(**{name.lower(): self.env[name] for name in self.env if name.lower() in Settings.model_fields})

    def posto(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a `posto` command on this stack."""
        return posto(self.layout.root, self.env, *arguments)


def clean_environ() -> dict[str, str]:
    """Our environment without any setting of Posto."""
    names = {name.upper() for name in Settings.model_fields} | set(environment.SECRETS)
    return {name: value for name, value in os.environ.items() if name not in names}


def posto(cwd: Path, settings: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a `posto` command with exactly these settings, in a folder without `.env`."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "infra.cli", *arguments],
        cwd=cwd,
        env={**clean_environ(), **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_UP_SECONDS,
    )


def own_ports(workers: int = 1, brokers: int = 1) -> dict[str, str]:
    """A free port for each setting; workers' metrics and brokers need a row of them."""
    chosen: dict[str, str] = {}
    rows = {"POSTO_METRICS_PORT": workers, "POSTO_KAFKA_PORT": brokers}
    for name in environment.PORTS:
        port = ports.free_port()
        while not all(ports.is_free(port + n) for n in range(rows.get(name, 1))):
            port = ports.free_port()
        chosen[name] = str(port)
    return chosen


def _counts(settings: Mapping[str, str]) -> tuple[int, int]:
    return int(settings.get("POSTO_WORKERS", "1")), int(settings.get("POSTO_BROKERS", "1"))


@contextmanager
def stack(folder: Path, **settings: str) -> Iterator[Stack]:
    """Bring a stack up in `folder`, and take it down with all it left; `settings` add to its environment."""
    layout = Layout.at(folder / "local")
    layout.create()
    jars(layout.kafka, layout.log / "kafka.log")
    env = {"POSTO_LOCAL_DIR": str(layout.root), **own_ports(*_counts(settings)), **settings}
    try:
        done = posto(layout.root, env, "up", "--no-demo")
        if done.returncode != 0:
            raise RuntimeError(f"`posto up` ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        yield Stack(layout, {**environment.read(layout.env), **settings})
    finally:
        posto(folder, env, "clean")
