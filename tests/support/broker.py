"""A broker that one test starts and stops while its event loop goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from infra.stack import kafka, ports
from infra.stack.foreground import running
from tests.support.servers import JARS


class Broker:
    """A broker with its storage in `folder`; `running` may be entered again and again."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "kafka.log"
        port = ports.free_port()
        self.bootstrap_servers = f"127.0.0.1:{port}"
        self._program = kafka.prepare(folder / "kafka", port, kafka.fetch_libraries(JARS, self._log), self._log)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The broker runs until the block ends."""
        process = running(self._program, self._log)
        await asyncio.to_thread(process.__enter__)
        try:
            yield
        finally:
            await asyncio.to_thread(process.__exit__, None, None, None)
