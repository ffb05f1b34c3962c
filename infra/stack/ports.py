"""TCP ports on loopback: which are free, and who holds one that is not."""

import random
import socket
from collections.abc import Collection, Iterable, Mapping

import psutil

from infra.errors import StackError

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Ports that no outgoing connection takes by chance between our look and the listener's bind."""


def is_free(port: int) -> bool:
    """Whether a listener on 127.0.0.1 could take the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def is_open(port: int) -> bool:
    """Whether something on 127.0.0.1 accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that is free now, chosen at random so that two runs side by side do not choose the same."""
    for port in random.sample(_BELOW_EPHEMERAL, 200):
        if is_free(port):
            return port
    raise StackError("No free TCP port was found on 127.0.0.1.")


def holder(port: int) -> psutil.Process | None:
    """The process that listens on the port, where the system lets us see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and address and address.port == port and connection.pid:
                return psutil.Process(connection.pid)
    except psutil.Error:
        pass
    return None


def require_free(wanted: Mapping[str, int], own: Collection[int]) -> None:
    """StackError for the first port that a stranger holds, or that two settings share.

    `wanted` gives the port of each setting (a description such as `POSTO_METRICS_PORT + 1`), `own` the pids of this
    stack's processes, whose ports are not in the way.
    """
    setting_of: dict[int, str] = {}
    for setting, port in wanted.items():
        if port in setting_of:
            raise StackError(f"{setting_of[port]} and {setting} are both {port}: give each its own port.")
        setting_of[port] = setting
        if not is_ours(port, own):
            taker = _named(holder(port))
            raise StackError(f"Port {port} ({setting}) is taken by {taker}: stop it, or set another port.")


def is_ours(port: int, own: Iterable[int]) -> bool:
    """Whether the port is free, or held by a process of this stack."""
    return is_free(port) or any(_listens(pid, port) for pid in own)


def _listens(pid: int, port: int) -> bool:
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        for connection in connections
    )


def _named(process: psutil.Process | None) -> str:
    if process is None:
        return "a process of another user"
    try:
        return f"{process.name()} (pid {process.pid})"
    except psutil.Error:
        return f"pid {process.pid}"
