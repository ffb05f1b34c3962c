"""Which addresses of the network the hub may post to. Pure."""

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_URL = 2_000


def is_allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether it is an address of the public internet, or lies in one of `networks`.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, Teredo, NAT64) counts as that one. Of the others only those
    of the range that IANA gives out are public: a gateway may lead the rest (IPv4-compatible, translated, site-local)
    into a private network.
    """
    if any(address in network for network in networks):
        return True
    inner = _carried(address)
    if inner is not None:
        return is_allowed(inner, networks)
    if isinstance(address, ipaddress.IPv6Address) and not _is_given_out(address):
        return False
    return address.is_global and not address.is_multicast


def url_fault(url: str, networks: Sequence[Network] | None = None) -> str | None:
    """Why nothing can be posted to an address; None where something can.

    With `networks`, a host that is written as a number must be allowed too; a name is looked at when it is connected.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"is no address: {error}"
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > LONGEST_URL:
        return f"must have at most {LONGEST_URL} characters, all of them ASCII and none of them a space"
    if parts.scheme not in {"http", "https"} or not host:
        return "must be an address such as https://ai.example/answer"
    if "@" in parts.netloc or parts.fragment:
        return "must hold neither a login nor a fragment: requests are signed"
    if networks is None:
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if is_allowed(address, networks):
        return None
    return f"{host} is in a private range: add it to POSTO_TARGET_NETWORKS to allow it"


def _carried(address: Address) -> ipaddress.IPv4Address | None:
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _is_given_out(address: ipaddress.IPv6Address) -> bool:
    return address in _GIVEN_OUT and not any(address in network for network in _OF_DOCUMENTS)


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
_OF_DOCUMENTS = (ipaddress.IPv6Network("2001:db8::/32"), ipaddress.IPv6Network("3fff::/20"))
