"""Which addresses may be posted to."""

from ipaddress import ip_address, ip_network

import pytest

from streams.addresses import is_allowed, url_fault

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104
    "255.255.255.255",
    "224.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "64:ff9b:1::7f00:1",
    "fec0::1",
    "5f00::1",
    "2001:db8::1",
    "3fff::1",
    "4000::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_a_private_range_is_refused_however_it_is_spelled(address: str) -> None:
    assert not is_allowed(ip_address(address), ())


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"])
def test_an_address_of_the_internet_is_allowed(address: str) -> None:
    assert is_allowed(ip_address(address), ())


def test_a_network_that_is_named_is_allowed_and_its_neighbour_is_not() -> None:
    networks = (ip_network("10.20.0.0/16"),)
    assert is_allowed(ip_address("10.20.1.1"), networks)
    assert is_allowed(ip_address("::ffff:10.20.1.1"), networks)
    assert not is_allowed(ip_address("10.21.1.1"), networks)
    assert is_allowed(ip_address("fec0::1"), (ip_network("fec0::/10"),))


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://ai.example/answer", None),
        ("http://93.184.216.34:8080/", None),
        ("ftp://ai.example", "must be an address"),
        ("https://", "must be an address"),
        ("https://user:word@ai.example/", "neither a login"),
        ("https://ai.example/#part", "neither a login nor a fragment"),
        ("https://ai.example/a b", "must have at most"),
        ("https://ai.example:99999/", "is no address"),
        ("https://[::1/", "is no address"),
        ("http://127.0.0.1:8080/", "POSTO_TARGET_NETWORKS"),
        ("http://[::ffff:10.0.0.1]/", "POSTO_TARGET_NETWORKS"),
    ],
)
def test_an_address_that_nothing_can_be_posted_to_says_why(url: str, fault: str | None) -> None:
    found = url_fault(url, ())
    assert found is None if fault is None else fault in (found or "")
