"""Asks right before a message whether it still makes sense: a GET to the address that its event named."""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

import httpx
import msgspec

from adapters.gateway.tls import tls_context
from schemas.commands import Command
from streams.preconditions import is_allowed
from streams.sending.inputs import Answer, Moot, NotSent, Withheld

MAX_ANSWER_BYTES: Final = 16_384

UNAVAILABLE: Final = "precondition_unavailable"
NOT_ALLOWED: Final = "precondition_not_allowed"

_GONE: Final = frozenset({404, 410})


class _Answer(msgspec.Struct):
    holds: bool


class Preconditions:
    """One client for all addresses: `async with Preconditions(hosts, timeout) as ask`.

    `hosts` are those that may be asked, each as `host` or `host:port`; `timeout` is in seconds, for a whole question.
    No redirect is followed, and no proxy, login or cookie used. 204, or 200 with `{"holds": true}`, is yes; 404, 410,
    or 200 with `{"holds": false}` is no; anything else is no answer. What was asked and said stays out of the facts.
    """

    def __init__(self, hosts: Iterable[str], timeout: float) -> None:
        self._hosts = frozenset(hosts)
        self._timeout = timeout
        self._http = httpx.AsyncClient(verify=tls_context(), timeout=timeout, follow_redirects=False, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def __call__(self, command: Command, attempt: int) -> Answer | None:
        """None where the message still makes sense, or has nothing to ask; else what becomes of the attempt."""
        url = command.precondition_url
        if url is None:
            return None
        if not is_allowed(url, self._hosts):
            return Withheld(
                attempt, NOT_ALLOWED, "add the host of its precondition_url to POSTO_PRECONDITION_HOSTS to allow it"
            )
        try:
            async with asyncio.timeout(self._timeout):
                status, body = await self._get(url, command.trace_id)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return NotSent(attempt, UNAVAILABLE, f"no answer: {type(error).__name__}")
        return _meaning(attempt, status, body)

    async def _get(self, url: str, trace_id: str) -> tuple[int, bytes]:
        """Status and body; a body that is too long is cut, and then says nothing."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "X-Request-Id": trace_id}
        content = bytearray()
        self._http.cookies.clear()
        async with self._http.stream("GET", url, headers=headers) as response:
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    return response.status_code, b""
        return response.status_code, bytes(content)


def _meaning(attempt: int, status: int, body: bytes) -> Answer | None:
    holds = None
    if status == 204:
        holds = True
    elif status in _GONE:
        holds = False
    elif status == 200:
        try:
            holds = msgspec.json.decode(body, type=_Answer).holds
        except msgspec.MsgspecError:
            return NotSent(attempt, UNAVAILABLE, 'the answer is not {"holds": true} or {"holds": false}', status)
    if holds is None:
        return NotSent(attempt, UNAVAILABLE, f"answered {status}", status)
    return None if holds else Moot(attempt)
