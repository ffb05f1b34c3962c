"""What can go wrong with a call to the gateway: one tree, whose classes say what is known about the effect."""

# ruff: noqa: N818  # the names say what is known, as the design has them


class GatewayError(Exception):
    """A call that did not succeed.

    `reason` is a short machine word (`connect_refused`, `channel_not_found`, `http_429`, `html_504`, `empty_body`,
    `success_false`, `read_timeout`, ...); `status` the HTTP status, None where no answer came; `said` what the gateway
    said, at most 300 characters, without secrets and with long numbers masked; `request_id` the `X-Request-Id` sent.
    """

    def __init__(self, reason: str, *, status: int | None = None, said: str = "", request_id: str = "") -> None:
        self.reason = reason
        self.status = status
        self.said = said
        self.request_id = request_id
        super().__init__(reason)

    def __str__(self) -> str:
        status = "" if self.status is None else f" (status {self.status})"
        said = f": {self.said}" if self.said else ""
        return f"{self.reason}{status}{said}"


class NotSent(GatewayError):
    """Nothing happened: the call may be repeated, after `retry_after` seconds where the gateway named a time."""

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        said: str = "",
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason, status=status, said=said, request_id=request_id)
        self.retry_after = retry_after


class Permanent(GatewayError):
    """Nothing happened, and the same call will never succeed."""


class Unknown(GatewayError):
    """Nobody knows: the call may have had its effect. Only evidence (an echo, an ack) settles it."""


__all__ = ["GatewayError", "NotSent", "Permanent", "Unknown"]
