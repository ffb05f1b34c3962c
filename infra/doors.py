"""The two doors through which a producer's events reach the hub: `raw.event` in Kafka, and the edge over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final, Protocol

import httpx
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from adapters.edge.events import PATH
from adapters.edge.submissions import Submission
from infra.errors import OperatorError
from infra.kafka import connection, started
from infra.settings import Settings, require
from schemas import headers as names

log = structlog.get_logger()

_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 10.0
_HTTP_SECONDS: Final = 30.0
_LINGER_MS: Final = 5
_BATCH_BYTES: Final = 262_144
_REFUSED: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
)
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class ClosedDoorError(OperatorError):
    """A door will never let anything in as it is set up: a wrong address, a wrong secret."""


class Door(Protocol):
    """A way into the hub. What was put through will be processed, whatever happens to any process."""

    async def put(self, submissions: Sequence[Submission]) -> list[str | None]:
        """Keep events in their order; for each, None, or why the hub will never take it.

        While the hub is away it waits and tries again, as long as it takes: some may be kept twice then, with one key.
        """


class KafkaDoor:
    """Writes to `raw.event`, acknowledged by all in-sync replicas. Raises KafkaError where its producer is broken."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer

    async def put(self, submissions: Sequence[Submission]) -> list[str | None]:
        """Write all; those of one key in their order."""
        return await asyncio.gather(*[await self._send(*submission.entry) for submission in submissions])

    async def _send(self, topic: str, key: bytes | None, value: bytes, headers: Any) -> "asyncio.Future[str | None]":
        try:
            sent = await self._producer.send(topic, value, key=key, headers=list(headers))
        except MessageSizeTooLargeError as error:
            refused: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            refused.set_result(f"Kafka does not take it: {error}")
            return refused
        return asyncio.ensure_future(_acknowledged(sent))


async def _acknowledged(sent: "asyncio.Future[Any]") -> str | None:
    try:
        await sent
    except MessageSizeTooLargeError as error:
        return f"Kafka does not take it: {error}"
    return None


class EdgeDoor:
    """Posts to `/api/events`."""

    def __init__(self, http: httpx.AsyncClient, url: str, secret: str) -> None:
        """`url` is the edge's own, without a path."""
        self._http = http
        self._url = f"{url.rstrip('/')}{PATH}"
        self._headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}

    async def put(self, submissions: Sequence[Submission]) -> list[str | None]:
        """Post all in one request, or in halves where it is too large for the edge, or for what stands before it.

        ClosedDoorError where the edge refuses the request, not its events.
        """
        body = b"[" + b",".join(submission.entry.value for submission in submissions) + b"]"
        headers = self._headers | (_trace(submissions[0]) if len(submissions) == 1 else {})
        wait = _FIRST_WAIT
        while True:
            answer = await self._post(body, headers)
            if answer is not None and not _is_passing(answer):
                break
            asked = answer.headers.get("retry-after", "") if answer is not None else ""
            pause = max(wait, float(asked)) if asked.isdecimal() else wait
            log.warning(
                "edge_not_reachable", url=self._url, status=answer and answer.status_code, retry_in_seconds=pause
            )
            await asyncio.sleep(pause)
            wait = min(wait * 2, _LONGEST_WAIT)
        if answer.status_code != HTTPStatus.REQUEST_ENTITY_TOO_LARGE or _has_results(answer):
            return self._verdicts(answer)
        if len(submissions) == 1:
            return [f"{self._url} answered 413: it takes no request of {len(body)} bytes."]
        middle = len(submissions) // 2
        return await self.put(submissions[:middle]) + await self.put(submissions[middle:])

    async def _post(self, body: bytes, headers: dict[str, str]) -> httpx.Response | None:
        try:
            return await self._http.post(self._url, content=body, headers=headers)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise ClosedDoorError(f"{self._url} is no address of an edge: {error}.") from None
        except httpx.TransportError:
            return None

    def _verdicts(self, answer: httpx.Response) -> list[str | None]:
        try:
            said = answer.json()
            if answer.status_code == HTTPStatus.ACCEPTED or (answer.status_code in _REFUSED and "results" in said):
                return [None if one["status"] == "accepted" else one["problem"]["detail"] for one in said["results"]]
            why = said["detail"]
        except (ValueError, KeyError, TypeError):
            why = "it is no edge of Posto."
        raise ClosedDoorError(f"{self._url} answered {answer.status_code}: {why}")


def _is_passing(answer: httpx.Response) -> bool:
    """Whether the same request may be taken later."""
    return answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status_code in _LATER


def _has_results(answer: httpx.Response) -> bool:
    """Whether it speaks of each event, not of the request."""
    try:
        return "results" in answer.json()
    except (ValueError, TypeError):
        return False


def _trace(submission: Submission) -> dict[str, str]:
    """The header that gives an event the trace which it has here; one of another form stands in the event itself."""
    named = dict(submission.entry.headers).get(names.TRACEPARENT)
    return {"traceparent": named.decode()} if named else {}


@asynccontextmanager
async def kafka_door(settings: Settings) -> AsyncIterator[KafkaDoor]:
    """The door into Kafka, once a broker answers."""
    kafka = connection(settings)
    producer = await started(
        lambda: AIOKafkaProducer(
            **kafka, acks="all", enable_idempotence=True, linger_ms=_LINGER_MS, max_batch_size=_BATCH_BYTES
        )
    )
    try:
        yield KafkaDoor(producer)
    finally:
        await producer.stop()


@asynccontextmanager
async def edge_door(settings: Settings, url: str) -> AsyncIterator[EdgeDoor]:
    """The door of the edge at `url`, with the first of the secrets in EVENT_INGESTION_SECRET."""
    require("EVENT_INGESTION_SECRET", settings.event_ingestion_secret)
    async with httpx.AsyncClient(timeout=_HTTP_SECONDS) as http:
        yield EdgeDoor(http, url, settings.ingestion_secrets[0])


__all__ = ["ClosedDoorError", "Door", "EdgeDoor", "KafkaDoor", "edge_door", "kafka_door"]
