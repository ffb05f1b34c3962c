"""What a failed call means: from an exception or an answer to the one of three errors (field notes §4).

Whatever is not listed as surely not sent, or as refused for good, is `Unknown`: a customer who gets the same bill
twice is worse than a message that waits for evidence. Pure: no I/O and no clock.
"""

import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from adapters.gateway.errors import GatewayError, NotSent, Permanent, Unknown
from adapters.gateway.wording import is_html, json_object, sanitized, words

MAX_RETRY_AFTER: Final = 86_400.0
"""Seconds: a longer `Retry-After` counts as this one."""

_REFUSED_FOR_GOOD: Final = frozenset({400, 413, 414, 415, 422, 431})
_NUMBER_UNKNOWN: Final = re.compile(r"n[uú]mero .{0,40}n[aã]o existe", re.IGNORECASE)
_CHANNEL_DOWN: Final = re.compile(r"\bdisconnected\b|sess[aã]o .{0,40}n[aã]o est[aá] ativa", re.IGNORECASE)
_ABOUT_MESSAGE: Final = re.compile(r"\b(mensagem|message|n[uú]mero|number|contato|contact|chat)\b", re.IGNORECASE)
_ABOUT_MEDIA: Final = re.compile(r"\b(m[ií]dia|media|arquivo|file)\b", re.IGNORECASE)
_SECONDS: Final = re.compile(r"\d{1,12}(\.\d*)?", re.ASCII)

# The first class that matches decides; each comes before its parents.
_EXCEPTIONS: Final[tuple[tuple[type[Exception], type[GatewayError], str], ...]] = (
    (httpx.ConnectTimeout, NotSent, "connect_timeout"),
    (httpx.PoolTimeout, NotSent, "pool_timeout"),
    (httpx.ConnectError, NotSent, "connect_failed"),
    (httpx.UnsupportedProtocol, Permanent, "invalid_url"),
    (httpx.InvalidURL, Permanent, "invalid_url"),
    (httpx.ReadTimeout, Unknown, "read_timeout"),
    (httpx.WriteTimeout, Unknown, "write_timeout"),
    (httpx.ReadError, Unknown, "read_error"),
    (httpx.WriteError, Unknown, "write_error"),
    (httpx.RemoteProtocolError, Unknown, "connection_dropped"),
    (TimeoutError, Unknown, "deadline"),
)
_CONNECT_CAUSES: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (socket.gaierror, "dns_failure"),
    (ssl.SSLError, "tls_failure"),
    (ConnectionRefusedError, "connect_refused"),
)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back: `headers` are looked up in any case; `is_complete` is false where the body was cut off."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_complete: bool = True
    json: dict[str, Any] | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "json", json_object(self.body) if self.is_complete else None)


def failure_of_exception(error: Exception, request_id: str = "") -> GatewayError:
    """The error that an exception of the HTTP client means; one that nobody foresaw is `Unknown`."""
    for raised, error_class, reason in _EXCEPTIONS:
        if isinstance(error, raised):
            if raised is httpx.ConnectError:
                reason = _connect_reason(error)
            return error_class(reason, said=sanitized(str(error)), request_id=request_id)
    return Unknown("unexpected_error", said=sanitized(f"{type(error).__name__}: {error}"), request_id=request_id)


def failure_of_answer(
    answer: HttpAnswer, *, is_send: bool, now: datetime, secrets: Sequence[str] = (), request_id: str = ""
) -> GatewayError | None:
    """The error that an answer means; None for a success.

    A send succeeds with a 2xx and `success: true`; any other call with a 2xx and a JSON object that does not say
    `success: false`. `now` resolves a `Retry-After` given as a date.
    """
    text = words(answer.json, answer.body)
    error_class, reason = _meaning(answer, text, is_send=is_send)
    if error_class is None:
        return None
    said = sanitized(text, secrets)
    if error_class is NotSent:
        retry_after = parse_retry_after(answer.headers.get("retry-after"), now)
        return NotSent(reason, status=answer.status, said=said, request_id=request_id, retry_after=retry_after)
    return error_class(reason, status=answer.status, said=said, request_id=request_id)


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, from a number of seconds or an HTTP date; None where there is neither."""
    if value is None:
        return None
    if _SECONDS.fullmatch(value.strip()):
        return min(float(value), MAX_RETRY_AFTER)
    try:
        date = parsedate_to_datetime(value)
        seconds = ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _meaning(answer: HttpAnswer, text: str, *, is_send: bool) -> tuple[type[GatewayError] | None, str]:
    if 200 <= answer.status < 300:
        return _meaning_of_success(answer, is_send=is_send)
    if is_send and _NUMBER_UNKNOWN.search(text):
        return Unknown, "number_not_found"  # said of messages that had been delivered
    match answer.status:
        case 401 | 403:
            # A proxy in front of the gateway, or the gateway itself: either way nobody looked at the body.
            is_proxy = answer.headers.get("www-authenticate", "").lower().startswith("basic")
            return NotSent, "proxy_refused_login" if is_proxy else "gateway_refused_secret"
        case 400 | 404 if _CHANNEL_DOWN.search(text):
            return NotSent, "channel_down"  # the engine's own guard, which runs before any handler
        case 404:
            return _meaning_of_not_found(answer, text, is_send=is_send)
        case 429:
            return NotSent, "http_429"
        case status if status in _REFUSED_FOR_GOOD:
            return Permanent, f"http_{status}"
        case status if 300 <= status < 400:
            return Unknown, "redirect"  # some servers answer so after they have done the work
        case status:
            return Unknown, f"html_{status}" if _is_html(answer) else f"http_{status}"


def _meaning_of_success(answer: HttpAnswer, *, is_send: bool) -> tuple[type[GatewayError] | None, str]:
    if not answer.is_complete:
        return Unknown, "answer_too_large"
    if not answer.body.strip():
        return Unknown, "empty_body"
    if answer.json is None:
        return Unknown, f"html_{answer.status}" if _is_html(answer) else "not_json"
    success = answer.json.get("success")
    if success in (True, "true"):
        return None, ""
    if is_send and _NUMBER_UNKNOWN.search(words(answer.json, answer.body)):
        return Unknown, "number_not_found"
    if success in (False, "false"):
        return Unknown, "success_false"
    return (Unknown, "no_success") if is_send else (None, "")


def _meaning_of_not_found(answer: HttpAnswer, text: str, *, is_send: bool) -> tuple[type[GatewayError], str]:
    if answer.json is None:
        return NotSent, "route_not_found"  # no gateway behind this address took the request
    if is_send and _ABOUT_MESSAGE.search(text):
        return Unknown, "http_404"  # it looked for what it had just sent
    if not is_send and _ABOUT_MEDIA.search(text):
        return NotSent, "media_not_found"
    return NotSent, "channel_not_found"


def _is_html(answer: HttpAnswer) -> bool:
    return is_html(answer.headers.get("content-type", ""), answer.body)


def _connect_reason(error: BaseException) -> str:
    causes = list(_causes(error))
    return next(
        (reason for cause, reason in _CONNECT_CAUSES if any(isinstance(c, cause) for c in causes)), "connect_failed"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything behind it, groups included, each once."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        waiting.extend(cause for cause in (current.__cause__, current.__context__) if cause is not None)


__all__ = ["MAX_RETRY_AFTER", "HttpAnswer", "failure_of_answer", "failure_of_exception", "parse_retry_after"]
