"""Posts webhooks, each once and without a retry, as the engine does; counts what came of them."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final

import httpx
import msgspec

from adapters.gateway.tls import tls_context
from infra.simulator.config import SimulatorConfig
from infra.simulator.emissions import Emission
from infra.simulator.state import State, Webhook

MAX_FAILURES: Final = 200
MAX_CONNECTIONS: Final = 16
TIMEOUT_SECONDS: Final = 30.0


class WebhookPoster:
    """Posts to the webhook of a channel, else to that for all channels, else to the one of the settings.

    `..._now` means in the caller's own time; what comes later runs in background tasks until `aclose`.
    """

    def __init__(self, state: State, config: SimulatorConfig) -> None:
        self._state = state
        self._config = config
        self._tasks: set[asyncio.Task[None]] = set()
        self._http = httpx.AsyncClient(
            verify=tls_context(),
            trust_env=False,
            timeout=httpx.Timeout(TIMEOUT_SECONDS, pool=None),
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS),
        )
        self.clear()

    def clear(self) -> None:
        """Start counting anew."""
        self._outcomes: Counter[str] = Counter()
        self._failures: deque[dict[str, Any]] = deque(maxlen=MAX_FAILURES)

    def shown(self) -> dict[str, Any]:
        """What was posted and what came of it; `pending` counts the messages with webhooks still to come."""
        failed = sum(count for outcome, count in self._outcomes.items() if not outcome.startswith("2"))
        return {
            "posted": self._outcomes.total(),
            "failed": failed,
            "pending": len(self._tasks),
            "outcomes": dict(self._outcomes),
            "failures": list(self._failures),
        }

    async def post(self, body: bytes, channel: str | None, target: Webhook | None = None) -> str:
        """Post one body now; its outcome: the status, `no_address`, or the name of what went wrong."""
        target = target or self._state.webhook_of(channel) or self._configured()
        outcome = "no_address" if target is None else await self._posted(target, body)
        self._outcomes[outcome] += 1
        if not outcome.startswith("2"):
            self._failures.append({"outcome": outcome, "url": target.url if target else None, "at": time.time()})
        return outcome

    async def emit_now(self, emissions: Iterable[Emission], channel: str) -> list[str]:
        """Post each in turn, whatever its time; their outcomes."""
        return [await self.post(msgspec.json.encode(emission.body), channel) for emission in emissions]

    def emit_later(self, emissions: Sequence[Emission], channel: str) -> None:
        """Post each at its time, counted from now, in the background."""
        if emissions:
            self._start(self._emit(emissions, channel))

    async def aclose(self) -> None:
        """End what is under way; webhooks that were still to come are lost, as they are when a gateway stops."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    def cancel(self) -> None:
        """Drop every webhook that is still to come."""
        for task in self._tasks:
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _emit(self, emissions: Sequence[Emission], channel: str) -> None:
        clock = asyncio.get_running_loop().time
        start = clock()
        for emission in emissions:
            await asyncio.sleep(max(0.0, start + emission.after - clock()))
            await self.post(msgspec.json.encode(emission.body), channel)

    async def _posted(self, target: Webhook, body: bytes) -> str:
        headers = {"Content-Type": "application/json"}
        if target.secret:
            headers["X-Webhook-Secret"] = target.secret
        try:
            answer = await self._http.post(target.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return type(error).__name__
        return str(answer.status_code)

    def _configured(self) -> Webhook | None:
        url = self._config.webhook_url
        return Webhook(url, self._config.webhook_secret) if url else None


__all__ = ["WebhookPoster"]
