"""The supervisor of a stack: its configuration, and talking to it."""

import http.client
import os
import socket
import subprocess
import sys
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import psutil

from infra.errors import StackError
from infra.stack import orphans
from infra.stack.environment import SECRETS
from infra.stack.layout import Layout
from infra.stack.program import Program
from infra.stack.waiting import until

_ANSWER_SECONDS = 10.0
_STOP_SECONDS = 120.0

_MODULE = "supervisor.supervisord"
_STOPPED_LAST = {"kafka", "mysql"}
_ENDED_STATES = {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}


@dataclass(frozen=True)
class ProcessState:
    """What the supervisor says about one process; `state` is its word: RUNNING, STARTING, BACKOFF, STOPPED, FATAL..."""

    name: str
    state: str
    pid: int | None
    uptime_seconds: int | None


def configuration(programs: Sequence[Program]) -> str:
    """supervisord's configuration; its paths are relative to the stack's folder, in which supervisord runs.

    What a program needs is in its start script; the revision in here makes supervisord notice that it changed.
    """
    user = "" if os.getuid() else "user=root\n"  # else it warns that it runs as root
    sections = [
        f"""\
[supervisord]
logfile=log/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
loglevel=info
pidfile=run/supervisord.pid
childlogdir=log
umask=077
identifier=posto
{user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[unix_http_server]
file=%(ENV_POSTO_SOCKET)s
chmod=0600
"""
    ]
    for priority, program in enumerate(programs):
        sections.append(f"""\
[program:{program.name}]
command=/bin/sh run/{program.name}.sh
environment=POSTO_REVISION="{revision(program)}"
priority={priority}
autostart=false
autorestart=true
startsecs=1
startretries=60
stopsignal=TERM
stopwaitsecs={program.stop_seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile=log/{program.name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=3
""")
    return "\n".join(sections)


def revision(program: Program) -> str:
    """Changes whenever a running process of the program would be out of date."""
    return blake2b((program.script() + program.revision).encode(), digest_size=8).hexdigest()


class Supervisor:
    """supervisord of one stack, by its socket. A call that gets no answer raises StackError."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._socket = layout.sockets / "supervisor.sock"

    def is_running(self) -> bool:
        """Whether supervisord answers and takes orders (while it shuts down, it takes none)."""
        try:
            self._call("getState")
        except StackError:
            return False
        return True

    def process(self) -> psutil.Process | None:
        """supervisord's own process, whether it answers or not."""
        for process in orphans.processes(self._layout):
            try:
                if _MODULE in process.cmdline():
                    return process
            except psutil.Error:
                continue
        return None

    def launch(self, programs: Sequence[Program]) -> None:
        """Have supervisord know these programs, none started; running ones that changed are stopped, others go on."""
        for program in programs:
            script = self._layout.run / f"{program.name}.sh"
            script.touch(mode=0o600)
            script.write_text(program.script())
        config = self._layout.run / "supervisord.conf"
        config.write_text(configuration(programs))
        if self.is_running():
            self._update()
        else:
            self.shutdown()  # one that is already on its way out
            self._start(config)

    def start(self, name: str) -> None:
        """Start a program that does not run; returns before it is up."""
        if self.state(name).state in _ENDED_STATES:
            self._call("startProcess", name, False)

    def stop(self, name: str) -> None:
        """Stop a program that runs; returns when it has ended."""
        if self.state(name).state not in _ENDED_STATES:
            self._call("stopProcess", name)

    def state(self, name: str) -> ProcessState:
        return _state(self._call("getProcessInfo", name))

    def states(self) -> list[ProcessState]:
        return [_state(info) for info in self._call("getAllProcessInfo")]

    def shutdown(self) -> None:
        """Stop all programs in the opposite order of their start, then supervisord itself; returns when it is gone."""
        if self.is_running():
            for state in self.states():
                if not _is_stopped_last(state.name) and state.state not in _ENDED_STATES:
                    self._call("stopProcess", state.name, False)
            self._stop_brokers_together()
            self._call("shutdown")
        until(lambda: self.process() is None, _STOP_SECONDS, lambda: "The supervisor does not stop.")

    def _stop_brokers_together(self) -> None:
        """Stop several brokers at once, when nobody needs them any more: the last one would wait for the others."""
        brokers = [state.name for state in self.states() if state.name.startswith("kafka-")]
        if not brokers:
            return
        until(self._others_ended, _STOP_SECONDS, lambda: "The processes of the stack do not stop.")
        for name in brokers:
            if self.state(name).state not in _ENDED_STATES:
                self._call("stopProcess", name, False)

    def _others_ended(self) -> bool:
        return all(state.state in _ENDED_STATES for state in self.states() if not _is_stopped_last(state.name))

    def _start(self, config: Path) -> None:
        environment = {**_without_settings(), **orphans.mark(self._layout), "POSTO_SOCKET": str(self._socket)}
        done = subprocess.run(
            [sys.executable, "-m", _MODULE, "-c", str(config.relative_to(self._layout.root))],
            cwd=self._layout.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise StackError(f"The supervisor did not start: {' '.join(reason) or 'it says nothing'}.")
        until(self.is_running, _ANSWER_SECONDS, lambda: f"The supervisor is silent: see {self._layout.log}.")

    def _update(self) -> None:
        added, changed, removed = self._call("reloadConfig")[0]
        for name in [*removed, *changed]:
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        for name in [*changed, *added]:
            self._call("addProcessGroup", name)

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = _UnixTransport(self._socket)
        try:
            with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
                return getattr(proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise StackError(f"The supervisor refused {method}{arguments}: {fault.faultString}.") from None
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            raise StackError(f"The supervisor does not answer on {self._socket}: {error}.") from None


def _is_stopped_last(name: str) -> bool:
    return name.partition("-")[0] in _STOPPED_LAST


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket, with a time limit (supervisor's own transport has none)."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _UnixConnection(self._path)
        self._connection = host, connection  # where `close` looks for it
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_STOP_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _state(info: dict[str, Any]) -> ProcessState:
    alive = info["pid"] > 0
    return ProcessState(
        info["name"], info["statename"], info["pid"] or None, info["now"] - info["start"] if alive else None
    )


def _without_settings() -> dict[str, str]:
    """Our environment without anything that is a setting: each program's script says which it gets."""
    from infra.settings import Settings

    known = {*(name.upper() for name in Settings.model_fields), *SECRETS}
    return {name: value for name, value in os.environ.items() if name not in known}
