"""Runs the simulator under uvicorn."""

from pathlib import Path
from typing import Final

import uvicorn

from infra.simulator.app import create_app
from infra.simulator.config import SimulatorConfig

_GRACE_SECONDS: Final = 2
"""How long a hanging call may hold up the stop."""


def make_server(
    config: SimulatorConfig, host: str, port: int, log_level: str = "warning", record: Path | None = None
) -> uvicorn.Server:
    """A server ready to run; it stops on SIGINT and SIGTERM. `record`: a file to go on from after a restart."""
    return uvicorn.Server(
        uvicorn.Config(
            create_app(config, record),
            host=host,
            port=port,
            log_level=log_level,
            access_log=False,
            lifespan="on",
            ws="none",
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )


__all__ = ["make_server"]
