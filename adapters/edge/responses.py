"""Answers without a detour: what the ingest routes send on their hot path."""

from starlette.types import Send

from schemas.api import Answer

_TYPE = (b"content-type", b"application/json")


async def accepted(send: Send, answer: Answer) -> None:
    """Send a 202 with a JSON body."""
    body = answer.encoded()
    headers = [_TYPE, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": body})
