"""An S3 that speaks HTTP on loopback: moto's server, in a process of its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from infra.stack import ports
from infra.stack.foreground import running
from infra.stack.program import Program


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Yields the address; every bucket is gone afterwards."""
    port = ports.free_port()
    address = f"http://127.0.0.1:{port}"
    server = Path(sys.executable).with_name("moto_server")
    program = Program(
        name="s3",
        port=port,
        directory=folder,
        command=(str(server), "-H", "127.0.0.1", "-p", str(port)),
        is_ready=lambda: ports.is_open(port),
    )
    with running(program, folder / "s3.log"):
        yield address


def make_bucket(server: str, name: str) -> None:
    """Make a bucket; the server takes any login."""
    httpx.put(f"{server}/{name}", trust_env=False, timeout=30).raise_for_status()
