"""`POST /api/events`: events of internal systems, one or many."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, ParamSpec, TypeVar

from starlette.types import Receive, Scope, Send

from adapters.edge import bodies, tracing
from adapters.edge.arrivals import Arrival
from adapters.edge.authentication import Secrets
from adapters.edge.log import Log
from adapters.edge.metrics import Metrics
from adapters.edge.problems import INVALID, TOO_LARGE, ProblemError
from adapters.edge.responses import accepted
from adapters.edge.settings import EdgeSettings
from adapters.edge.submissions import Submission, Submitter, items
from adapters.edge.verdicts import AllRejectedError, Verdict
from adapters.edge.verdicts import answer as verdicts_answer
from schemas.api import EventAccepted, WrongField

P = ParamSpec("P")
T = TypeVar("T")

PATH: Final = "/api/events"

_LARGE: Final = 65_536
"""Bytes from which on a body is taken apart off the event loop; below, that takes about a millisecond at most."""
_SECRET_HEADERS: Final = ("Authorization", "X-Event-Secret")
_HEADER: Final = "Idempotency-Key"


class Events:
    """Takes events into `raw.event` and answers once they are kept, with the ids that they will have."""

    def __init__(self, settings: EdgeSettings, log: Log, reader: bodies.BodyReader, metrics: Metrics) -> None:
        self._secrets = Secrets(settings.ingestion_secrets, _SECRET_HEADERS, 'Bearer realm="events"')
        self._max_items = settings.max_batch_items
        self._log = log
        self._reader = reader
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = dict(scope["headers"])
        self._secrets.check(headers)
        media = bodies.media_type(headers)
        is_ndjson = media in bodies.NDJSON
        if not is_ndjson and not bodies.is_json(media):
            raise bodies.unsupported(media, "application/json or application/x-ndjson")
        own_key = _own_key(headers)
        async with self._reader.body(headers, receive) as body:
            answer = await self._keep(scope, headers, body, own_key, is_ndjson)
        await accepted(send, answer)

    async def _keep(
        self, scope: Scope, headers: Mapping[bytes, bytes], body: bytes, own_key: str | None, is_ndjson: bool
    ) -> bytes:
        """Keep what a body has, and return the answer."""
        trace = tracing.from_headers(headers)
        if trace is not None:
            scope[tracing.TRACE_ID] = trace.trace_id
        submitter = Submitter(Arrival(PATH, headers), trace, own_key)
        apply = asyncio.to_thread if len(body) > _LARGE else _at_once
        batch = await apply(items, body, is_ndjson)
        if batch is None:
            submission = await apply(submitter.submit, body)
            scope[tracing.TRACE_ID] = submission.trace_id
            return await self._keep_one(submission)
        self._check_batch(batch, own_key)
        verdicts = await apply(submitter.submit_all, batch)
        await self._keep_good(verdicts)
        return await apply(verdicts_answer, verdicts)

    async def _keep_one(self, submission: Submission) -> bytes:
        await self._log.append([submission.entry])
        self._metrics.count_events(accepted=1)
        event_id, trace_id, key, _ = submission
        return EventAccepted(event_id=event_id, trace_id=trace_id, idempotency_key=key).encoded()

    async def _keep_good(self, verdicts: Sequence[Verdict]) -> None:
        good = [verdict.entry for verdict in verdicts if isinstance(verdict, Submission)]
        self._metrics.count_events(rejected=len(verdicts) - len(good))
        if not good:
            raise AllRejectedError(verdict for verdict in verdicts if isinstance(verdict, ProblemError))
        await self._log.append(good)
        self._metrics.count_events(accepted=len(good))

    def _check_batch(self, batch: Sequence[bytes], own_key: str | None) -> None:
        if own_key is not None:
            wrong = WrongField(field=_HEADER, message="names one event, the body has many")
            raise ProblemError(INVALID, f"A batch cannot have an {_HEADER} header.", errors=[wrong])
        if not batch:
            raise ProblemError(INVALID, "The batch is empty.")
        if len(batch) > self._max_items:
            detail = f"A batch may have {self._max_items} events; this one has {len(batch)}."
            raise ProblemError(TOO_LARGE, detail, limit=self._max_items)


async def _at_once(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`asyncio.to_thread` for what is not worth a thread."""
    return function(*args, **kwargs)


def _own_key(headers: Mapping[bytes, bytes]) -> str | None:
    """The `Idempotency-Key` header, bare or in quotes as a structured field."""
    given = headers.get(_HEADER.lower().encode())
    if given is None:
        return None
    try:
        key = given.decode().strip()
    except UnicodeDecodeError:
        raise _wrong_key("is not UTF-8") from None
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key:
        raise _wrong_key("is empty")
    return key


def _wrong_key(message: str) -> ProblemError:
    return ProblemError(INVALID, f"{_HEADER} {message}.", errors=[WrongField(field=_HEADER, message=message)])
