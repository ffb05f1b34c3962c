"""The size of bodies: what is larger is refused with a problem, as everything that goes wrong."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BoundedBodies:
    """Around all routes: reading more than so many bytes of a body is a 413.

    Starlette's own limit answers in plain text, and raises what no handler is called for.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_bytes:
                raise HTTPException(413)
            return message

        await self._app(scope, bounded, send)
