"""What no well-behaved server does: refused, dropped, slow, endless and garbled connections, at the client's edge."""

import asyncio

import pytest

from adapters.gateway import GatewayClient, GatewayError, NotSent, Permanent, Timeouts, Unknown
from tests.support.http import refusing, talking

JSON = b"Content-Type: application/json\r\n"


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """Read one whole request."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    return head + await reader.readexactly(length)


async def send(url: str, timeouts: Timeouts | None = None, max_answer_bytes: int = 2_097_152) -> GatewayError:
    """Send one text, which must fail; its error."""
    async with GatewayClient(url, "s3cr3t", timeouts=timeouts, max_answer_bytes=max_answer_bytes) as gateway:
        with pytest.raises(GatewayError) as caught:
            await gateway.send_text("Canal Um", "5547999990001", "oi")
        return caught.value


async def answering(raw: bytes, max_answer_bytes: int = 2_097_152) -> GatewayError:
    """Answer one send with these bytes and close; its error."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(raw)
        await writer.drain()

    async with talking(talk) as url:
        return await send(url, max_answer_bytes=max_answer_bytes)


async def test_a_refused_connection_has_sent_nothing() -> None:
    with refusing() as url:
        error = await send(url)
    assert (type(error), error.reason) == (NotSent, "connect_refused")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:1", "", "http://127.0.0.1:99999999", "http://[::1"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(Permanent, match="invalid_url"):
        GatewayClient(url, "s3cr3t")


@pytest.mark.parametrize("secret", ["a\r\nX-Other: 1", "a\x00", "\ud800"])
def test_a_secret_that_no_header_can_carry_is_refused_at_once(secret: str) -> None:
    with pytest.raises(Permanent, match="invalid_secret"):
        GatewayClient("http://127.0.0.1", secret)


async def test_a_secret_goes_out_as_it_is() -> None:
    heard = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await request_of(reader))
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"success":true}')

    async with talking(talk) as url, GatewayClient(url, " ação ") as gateway:
        await gateway.send_text("Canal Um", "5547999990001", "oi")
    assert b"\r\nx-gateway-secret: a\xc3\xa7\xc3\xa3o\r\n" in heard[0].lower()


async def test_a_connection_closed_after_the_request_is_unknown() -> None:
    error = await answering(b"")
    assert (type(error), error.reason) == (Unknown, "connection_dropped")


async def test_a_connection_reset_after_the_request_is_unknown() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.transport.abort()

    async with talking(talk) as url:
        error = await send(url)
    assert type(error) is Unknown


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x00\x00",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["ssh", "tls", "status", "length", "huge-header", "chunk"],
)
async def test_garbage_is_unknown(raw: bytes) -> None:
    assert type(await answering(raw)) is Unknown


async def test_a_success_that_breaks_off_is_unknown() -> None:
    error = await answering(b"HTTP/1.1 200 OK\r\n" + JSON + b'Content-Length: 100\r\n\r\n{"success":true}')
    assert (type(error), error.reason) == (Unknown, "connection_dropped")


async def test_a_refusal_that_breaks_off_is_still_a_refusal() -> None:
    error = await answering(b"HTTP/1.1 429 Too Many\r\nRetry-After: 9\r\nContent-Length: 100\r\n\r\n{")
    assert isinstance(error, NotSent)
    assert error.retry_after == 9.0


@pytest.mark.parametrize("framing", [b"Content-Length: 3000\r\n", b"Connection: close\r\n"])
async def test_a_giant_answer_is_read_to_the_limit_only(framing: bytes) -> None:
    error = await answering(b"HTTP/1.1 200 OK\r\n" + JSON + framing + b"\r\n" + b" " * 3000, max_answer_bytes=1000)
    assert (type(error), error.reason) == (Unknown, "answer_too_large")


async def test_an_endless_answer_does_not_fill_the_memory() -> None:
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    async with talking(talk) as url:
        error = await send(url)
    assert (type(error), error.reason) == (Unknown, "answer_too_large")
    assert sent < 32 * 2_097_152


async def test_a_compressed_answer_is_not_unpacked() -> None:
    error = await answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00")
    assert (type(error), error.reason) == (Unknown, "not_json")


async def test_headers_that_never_come_end_with_the_read_timeout() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        await reader.read()

    async with talking(talk) as url:
        error = await send(url, Timeouts(other=0.05))
    assert (type(error), error.reason) == (Unknown, "read_timeout")


async def test_an_answer_that_trickles_in_for_ever_ends_with_the_deadline() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\n")
        while True:
            writer.write(b" ")
            await asyncio.wait([asyncio.ensure_future(reader.read())], timeout=0.02)

    async with talking(talk) as url:
        error = await send(url, Timeouts(connect=0.05, pool=0.05, write=0.05, other=0.1))
    assert (type(error), error.reason) == (Unknown, "deadline")


async def test_a_request_that_waits_for_the_pool_in_vain_was_not_sent() -> None:
    heard = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        heard.set()
        await reader.read()

    timeouts = Timeouts(pool=0.05)
    async with talking(talk) as url, GatewayClient(url, "s", max_connections=1, timeouts=timeouts) as gateway:
        first = asyncio.create_task(gateway.send_text("Canal Um", "5547999990001", "oi"))
        await heard.wait()
        with pytest.raises(NotSent, match="pool_timeout"):
            await gateway.send_text("Canal Um", "5547999990002", "oi")
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_a_cancelled_call_is_cancelled_and_gives_its_connection_back() -> None:
    heard = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await request_of(reader)
        heard.set()
        if b"espera" in request:
            await reader.read()
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"success":true}')

    async with talking(talk) as url, GatewayClient(url, "s", max_connections=1) as gateway:
        call = asyncio.create_task(gateway.send_text("Canal Um", "5547999990001", "espera"))
        await heard.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await gateway.send_text("Canal Um", "5547999990001", "oi")


async def test_an_answer_that_repeats_the_secrets_is_raised_without_them() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        words = b'{"error":"g4teway and w3bhook of 5547999990001"}'
        writer.write(b"HTTP/1.1 403 X\r\nContent-Length: %d\r\n\r\n%b" % (len(words), words))

    async with talking(talk) as url, GatewayClient(url, "g4teway") as gateway:
        with pytest.raises(NotSent) as caught:
            await gateway.set_channel_webhook("Canal Um", "http://127.0.0.1/hook", "w3bhook")
    assert caught.value.said == "*** and *** of 5547***01"


async def test_a_redirect_is_not_followed() -> None:
    error = await answering(b"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n\r\n")
    assert (type(error), error.reason) == (Unknown, "redirect")


async def test_an_answer_of_another_shape_is_unknown_and_says_what_it_lacks() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"success":true}')

    async with talking(talk) as url, GatewayClient(url, "s") as gateway:
        with pytest.raises(Unknown, match=r"unexpected_body.*channels"):
            await gateway.list_channels()


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    error = await answering(b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n")
    assert error.reason == "gateway_refused_secret"
