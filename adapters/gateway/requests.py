"""What a request to the gateway is made of: addresses, paths, headers and bodies that mean what they should."""

import string
from typing import Any, Final
from urllib.parse import quote

import httpx

from adapters.gateway.errors import Permanent
from adapters.gateway.wording import sanitized
from schemas.gateway import Body

MAX_REQUEST_ID: Final = 200


def checked_url(base_url: str) -> str:
    """The address without a slash at its end; `Permanent` where it is none."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise Permanent("invalid_url", said=sanitized(str(error))) from error
    if url.scheme not in {"http", "https"} or not url.host or not 0 < (url.port or 80) < 65_536:
        raise Permanent("invalid_url", said=f"{sanitized(base_url)} is no address such as http://127.0.0.1:8090")
    return base_url.rstrip("/")


def encoded(body_type: type[Body], **fields: Any) -> bytes:
    """The JSON of a request body; `Permanent` where it has none: no later call will do better."""
    try:
        return body_type(**fields).encoded()
    except (ValueError, TypeError, RecursionError) as error:  # pydantic's errors are ValueErrors
        said = f"The request body has no JSON form ({type(error).__name__})"
        raise Permanent("invalid_body", said=said) from error


def channel_path(channel_id: str, suffix: str = "") -> str:
    """The path of a channel, its id escaped; `Permanent` for an id that would name something else."""
    return f"/api/channels/{escaped(channel_id)}{suffix}"


def escaped(part: str) -> str:
    """An id as one part of a path; `Permanent` for one that would name something else."""
    if not part.strip(" ."):
        raise Permanent("invalid_id", said=f"{part!r} is no id")
    try:
        return quote(part, safe="")
    except UnicodeEncodeError as error:
        raise Permanent("invalid_id", said=f"{part!r} is no id") from error


def header_text(request_id: str) -> str:
    """A request id that a header can carry: anything but visible ASCII escaped, and bounded."""
    return quote(request_id, safe=string.punctuation, errors="replace")[:MAX_REQUEST_ID]


__all__ = ["channel_path", "checked_url", "encoded", "escaped", "header_text"]
