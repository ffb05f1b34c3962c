"""Answers without a detour: what the ingest routes send on their hot path."""

from starlette.types import Send

_TYPE = (b"content-type", b"application/json")


async def accepted(send: Send, body: bytes) -> None:
    """Send a 202 with a JSON body."""
    headers = [_TYPE, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": body})
