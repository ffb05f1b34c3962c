"""What a failed call means, as field notes §4 ("What a failed send means") has it."""

import json
import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.gateway.classification import (
    MAX_RETRY_AFTER,
    HttpAnswer,
    failure_of_answer,
    failure_of_exception,
    parse_retry_after,
)
from adapters.gateway.errors import GatewayError, NotSent, Permanent, Unknown

NOW = datetime(2026, 1, 15, 19, 7, 6, tzinfo=UTC)
PAGE = b"<html><head><title>504 Gateway Time-out</title></head></html>"


def answer(status: int, body: Any = None, headers: dict[str, str] | None = None) -> HttpAnswer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpAnswer(status, httpx.Headers(headers), content)


def of_send(given: HttpAnswer) -> GatewayError | None:
    return failure_of_answer(given, is_send=True, now=NOW)


@pytest.mark.parametrize(
    ("exception", "error_class", "reason"),
    [
        (httpx.ConnectError("x"), NotSent, "connect_failed"),
        (httpx.ConnectTimeout("x"), NotSent, "connect_timeout"),
        (httpx.PoolTimeout("x"), NotSent, "pool_timeout"),
        (httpx.UnsupportedProtocol("x"), Permanent, "invalid_url"),
        (httpx.InvalidURL("x"), Permanent, "invalid_url"),
        (httpx.ReadTimeout("x"), Unknown, "read_timeout"),
        (httpx.WriteTimeout("x"), Unknown, "write_timeout"),
        (httpx.ReadError("x"), Unknown, "read_error"),
        (httpx.WriteError("x"), Unknown, "write_error"),
        (httpx.RemoteProtocolError("x"), Unknown, "connection_dropped"),
        (TimeoutError(), Unknown, "deadline"),
        (httpx.CloseError("x"), Unknown, "unexpected_error"),
        (httpx.LocalProtocolError("x"), Unknown, "unexpected_error"),
        (httpx.ProxyError("x"), Unknown, "unexpected_error"),
        (httpx.DecodingError("x"), Unknown, "unexpected_error"),
        (httpx.TooManyRedirects("x"), Unknown, "unexpected_error"),
        (httpx.CookieConflict("x"), Unknown, "unexpected_error"),
        (httpx.StreamClosed(), Unknown, "unexpected_error"),
        (RuntimeError("x"), Unknown, "unexpected_error"),
        (OSError("x"), Unknown, "unexpected_error"),
    ],
)
def test_an_exception_means(exception: Exception, error_class: type[GatewayError], reason: str) -> None:
    error = failure_of_exception(exception, "r-1")
    assert (type(error), error.reason, error.status, error.request_id) == (error_class, reason, None, "r-1")


def test_no_class_of_httpx_is_forgotten() -> None:
    """Only what surely happened before the request left is `NotSent`, whatever httpx adds."""
    surely_not_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

    def subclasses(parent: type[Exception]) -> set[type[Exception]]:
        return {parent}.union(*(subclasses(child) for child in parent.__subclasses__()))

    for exception_class in subclasses(httpx.TransportError):
        error = failure_of_exception(exception_class("x"))
        assert isinstance(error, NotSent) is issubclass(exception_class, surely_not_sent), exception_class


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (ConnectionRefusedError(), "connect_refused"),
        (socket.gaierror(), "dns_failure"),
        (ssl.SSLCertVerificationError(), "tls_failure"),
        (ExceptionGroup("all attempts", [OSError(), ConnectionRefusedError()]), "connect_refused"),
        (OSError(), "connect_failed"),
    ],
)
def test_a_failed_connection_names_its_cause(cause: Exception, reason: str) -> None:
    error = httpx.ConnectError("x")
    error.__cause__ = OSError("All connection attempts failed")
    error.__cause__.__context__ = cause
    cause.__cause__ = error  # a ring must not turn for ever
    assert failure_of_exception(error).reason == reason


@pytest.mark.parametrize(
    ("given", "error_class", "reason"),
    [
        (answer(401, {"success": False, "error": "Unauthorized"}), NotSent, "gateway_refused_secret"),
        (answer(403, {"error": "Forbidden"}), NotSent, "gateway_refused_secret"),
        (answer(401, PAGE, {"WWW-Authenticate": 'Basic realm="x"'}), NotSent, "proxy_refused_login"),
        (answer(404, {"success": False, "error": "Canal não encontrado"}), NotSent, "channel_not_found"),
        (answer(404, {}), NotSent, "channel_not_found"),
        (answer(404, b"<pre>Cannot POST /api/messages</pre>"), NotSent, "route_not_found"),
        (answer(404, b""), NotSent, "route_not_found"),
        (answer(404, {"error": "Mensagem não encontrada"}), Unknown, "http_404"),
        (answer(404, {"status": "Disconnected", "message": "A sessão não está ativa."}), NotSent, "channel_down"),
        (answer(400, {"status": "Disconnected", "message": "x"}), NotSent, "channel_down"),
        (answer(429, {"error": "Too many"}), NotSent, "http_429"),
        (answer(429, PAGE), NotSent, "http_429"),
        (answer(400, {"error": "to inválido"}), Permanent, "http_400"),
        (answer(422, {"error": "to inválido"}), Permanent, "http_422"),
        (answer(413, PAGE), Permanent, "http_413"),
        (answer(400, {"error": "O número informado não existe."}), Unknown, "number_not_found"),
        (answer(404, {"error": "número não existe"}), Unknown, "number_not_found"),
        (answer(200, {"success": False, "error": "NUMERO NAO EXISTE"}), Unknown, "number_not_found"),
        (answer(200, {"success": False, "error": "Canal não encontrado"}), Unknown, "success_false"),
        (answer(200, {"success": "false"}), Unknown, "success_false"),
        (answer(200, {"success": None}), Unknown, "no_success"),
        (answer(200, {"correlationId": "c"}), Unknown, "no_success"),
        (answer(200, b""), Unknown, "empty_body"),
        (answer(200, b" \r\n"), Unknown, "empty_body"),
        (answer(204, b""), Unknown, "empty_body"),
        (answer(200, b"OK"), Unknown, "not_json"),
        (answer(200, [{"success": True}]), Unknown, "not_json"),
        (answer(200, PAGE), Unknown, "html_200"),
        (answer(500, {"success": False, "error": "boom"}), Unknown, "http_500"),
        (answer(500, {"status": "Disconnected"}), Unknown, "http_500"),
        (answer(503, {"error": "x"}, {"Retry-After": "5"}), Unknown, "http_503"),
        (answer(502, PAGE), Unknown, "html_502"),
        (answer(504, PAGE), Unknown, "html_504"),
        (answer(302, b"", {"Location": "/login"}), Unknown, "redirect"),
        (answer(307, b"", {"Location": "https://127.0.0.1/"}), Unknown, "redirect"),
        (answer(408, {"error": "x"}), Unknown, "http_408"),
        (answer(409, {"error": "x"}), Unknown, "http_409"),
        (answer(100, b""), Unknown, "http_100"),
    ],
)
def test_an_answer_to_a_send_means(given: HttpAnswer, error_class: type[GatewayError], reason: str) -> None:
    error = of_send(given)
    assert error is not None
    assert (type(error), error.reason, error.status) == (error_class, reason, given.status)


@pytest.mark.parametrize("body", [{"success": True}, {"success": "true", "messageId": None}, {"success": 1}])
@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_2xx_with_success_is_a_success(status: int, body: dict[str, Any]) -> None:
    assert of_send(answer(status, body)) is None


def test_a_read_needs_no_word_of_success() -> None:
    assert failure_of_answer(answer(200, {"qr": None, "status": "CONNECTED"}), is_send=False, now=NOW) is None


def test_a_read_that_says_it_failed_has_failed() -> None:
    error = failure_of_answer(answer(200, {"success": False, "error": "x"}), is_send=False, now=NOW)
    assert error is not None
    assert error.reason == "success_false"


@pytest.mark.parametrize(("status", "error_class"), [(200, Unknown), (401, NotSent), (400, Permanent), (500, Unknown)])
def test_a_body_that_was_cut_off_leaves_what_the_status_says(status: int, error_class: type[GatewayError]) -> None:
    error = of_send(HttpAnswer(status, {}, b'{"success":true', is_complete=False))
    assert type(error) is error_class


def test_what_the_gateway_said_comes_without_the_secret() -> None:
    given = answer(401, {"error": "the secret s3cr3t is wrong"})
    error = failure_of_answer(given, is_send=True, now=NOW, secrets=("s3cr3t",), request_id="r-1")
    assert error is not None
    assert (error.said, error.request_id) == ("the secret *** is wrong", "r-1")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("999999999999", MAX_RETRY_AFTER),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(days=900), usegmt=True), MAX_RETRY_AFTER),
        ("Thu, 15 Jan 2026 19:08:06 -0000", 60.0),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("9" * 400, None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_retry_after_is_kept_wherever_nothing_was_sent(status: int) -> None:
    error = of_send(answer(status, {}, {"retry-after": "12"}))
    assert isinstance(error, NotSent)
    assert error.retry_after == 12.0


_bodies = st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.text(max_size=20) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["success", "error", "message", "status"]) | st.text(max_size=5), inner)
    ),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())


@given(
    status=st.integers(100, 599),
    body=_bodies,
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "content-type", "www-authenticate", "location"]), st.text(max_size=40)
    ),
    is_complete=st.booleans(),
    is_send=st.booleans(),
)
def test_every_answer_is_a_success_or_one_of_the_three(
    status: int, body: bytes, headers: dict[str, str], is_complete: bool, is_send: bool
) -> None:
    given = HttpAnswer(status, headers, body, is_complete)
    error = failure_of_answer(given, is_send=is_send, now=NOW)
    if error is None:
        assert 200 <= status < 300
        assert given.json is not None
    else:
        assert type(error) in (NotSent, Permanent, Unknown)
        assert str(error)


@given(status=st.integers(500, 599) | st.integers(300, 399), body=_bodies)
def test_no_5xx_and_no_redirect_is_ever_safe_to_repeat(status: int, body: bytes) -> None:
    assert type(of_send(HttpAnswer(status, {}, body))) is Unknown
