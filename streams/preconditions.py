"""Where a sender asks right before a message whether it still makes sense, as for "is it still unpaid?". Pure."""

from typing import Final
from urllib.parse import SplitResult, urlsplit

from schemas.events import Event
from streams import keys

LONGEST_URL: Final = 2_000

_NAME: Final = "precondition_url"


def precondition_of(event: Event) -> str | None:
    """The address in an event's metadata, else in its payload; None where there is none, or the gateway tells it.

    ValueError where it is no address of http or https.
    """
    if event.source_system == keys.GATEWAY:
        return None
    for place, fields in (("metadata", event.metadata), ("payload", event.payload)):
        url = fields.get(_NAME)
        if url is None or url == "":
            continue
        if not isinstance(url, str) or len(url) > LONGEST_URL or _host(url) is None:
            raise ValueError(f"{place}.{_NAME}: must be an address of http or https, at most {LONGEST_URL} characters")
        return url
    return None


def is_allowed(url: str, hosts: frozenset[str]) -> bool:
    """Whether an address lies on one of these hosts: `host` allows each port of it, `host:port` one."""
    host = _host(url)
    return host is not None and not hosts.isdisjoint(host)


def _host(url: str) -> tuple[str, str] | None:
    """An address's host, without and with its port; None for what is no address of http or https, or holds a login."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    return (parts.hostname, f"{parts.hostname}:{port}") if _is_http(parts) and parts.hostname else None


def _is_http(parts: SplitResult) -> bool:
    return parts.scheme in {"http", "https"} and "@" not in parts.netloc
