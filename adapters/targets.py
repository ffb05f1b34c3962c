"""Posts to targets: one request, to an address that may be connected to, with a bounded answer."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, NamedTuple, Self

import httpcore

from adapters.gateway.classification import parse_retry_after
from adapters.gateway.tls import tls_context
from streams.addresses import Network, is_allowed

MAX_ANSWER_BYTES: Final = 262_144
_KEEPALIVE_SECONDS: Final = 3.0
_CONNECT_SECONDS: Final = 5.0
_LATER: Final = frozenset({408, 425, 429})


class TargetError(Exception):
    """A request to a target that brought no answer. `reason` is a short machine word, the message for people."""

    def __init__(self, reason: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status


class TargetBusyError(TargetError):
    """Another try may do better, not before `retry_after` seconds where the target said so."""

    def __init__(self, reason: str, message: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(reason, message, status)
        self.retry_after = retry_after


class TargetRefusedError(TargetError):
    """Another try would bring the same."""


class Answered(NamedTuple):
    """A status of success, and the body."""

    status: int
    body: bytes


class Targets:
    """One client for all targets: `async with Targets(networks) as targets`.

    Connects to addresses of the public internet and of `networks` alone: a name is resolved here, and the very address
    that passed is connected to, so that it cannot become another one in between. No redirect is followed, and no proxy,
    login or cookie used.
    """

    def __init__(self, networks: Iterable[Network], most: int) -> None:
        """`most` bounds the connections."""
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls_context(),
            max_connections=most,
            max_keepalive_connections=most,
            keepalive_expiry=_KEEPALIVE_SECONDS,
            network_backend=_Guarded(tuple(networks)),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.aclose()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], within: float) -> Answered:
        """The answer to one request within `within` seconds, the body read; TargetBusyError or TargetRefusedError."""
        try:
            async with asyncio.timeout(within):
                return await self._post(url, body, headers, within)
        except _AddressRefusedError as error:
            raise TargetRefusedError("address_refused", str(error)) from None
        except (TimeoutError, httpcore.TimeoutException):
            raise TargetBusyError("timeout", f"no answer within {within:g} s") from None
        except (httpcore.LocalProtocolError, TypeError) as error:
            raise TargetRefusedError("bad_request", f"no request: {type(error).__name__}: {error}"[:500]) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise TargetBusyError("unreachable", f"no answer: {type(error).__name__}: {error}"[:500]) from None
        except (httpcore.UnsupportedProtocol, ValueError) as error:
            raise TargetRefusedError("bad_address", str(error)[:500]) from None

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str], within: float) -> Answered:
        sent: dict[bytes | str, bytes | str] = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        sent.update(headers.items())
        bounds = {"connect": min(_CONNECT_SECONDS, within), "read": within, "write": within, "pool": within}
        content = bytearray()
        async with self._pool.stream(
            "POST", url, headers=sent, content=body, extensions={"timeout": bounds}
        ) as response:
            status = response.status
            if not 200 <= status < 300:
                raise _refusal(status, response.headers)
            async for chunk in response.aiter_stream():
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    raise TargetRefusedError("answer_too_large", f"answered more than {MAX_ANSWER_BYTES} bytes", status)
        return Answered(status, bytes(content))


def _refusal(status: int, headers: Sequence[tuple[bytes, bytes]]) -> TargetError:
    reason, message = f"http_{status}", f"answered {status}"
    if 300 <= status < 400:
        return TargetRefusedError("redirect", f"{message}: redirects are not followed", status)
    if status < 500 and status not in _LATER:
        return TargetRefusedError(reason, message, status)
    asked = next((value.decode("latin-1") for name, value in headers if name.lower() == b"retry-after"), None)
    return TargetBusyError(reason, message, status, parse_retry_after(asked, datetime.now(UTC)))


class _AddressRefusedError(httpcore.ConnectError):
    """A name that leads nowhere but into private ranges."""


class _Guarded(httpcore.AsyncNetworkBackend):
    """Resolves a name, and connects to the first of its addresses that is allowed and answers."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the pool names it)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to an address that passed; `timeout` is for each address."""
        try:
            async with asyncio.timeout(timeout):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} has no address: {error}") from None
        addresses = dict.fromkeys(str(place[0]).partition("%")[0] for *_, place in found)
        allowed = [each for each in addresses if is_allowed(ipaddress.ip_address(each), self._networks)]
        if not allowed:
            raise _AddressRefusedError(
                f"{host} is {', '.join(addresses)}, in a private range: add it to POSTO_TARGET_NETWORKS to allow it"
            )
        failed: Exception | None = None
        for address in allowed:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError(host)

    async def sleep(self, seconds: float) -> None:
        """As the pool asks between its own tries."""
        await self._inner.sleep(seconds)


__all__ = ["MAX_ANSWER_BYTES", "Answered", "TargetBusyError", "TargetError", "TargetRefusedError", "Targets"]
