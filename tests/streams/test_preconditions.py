from typing import Any

import pytest

from streams.preconditions import is_allowed, precondition_of
from tests.streams.samples import event

URL = "https://erp.example/invoices/7001/unpaid"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"metadata": {"precondition_url": URL}}, URL),
        ({"payload": {"precondition_url": URL}}, URL),
        ({"metadata": {"precondition_url": URL}, "payload": {"precondition_url": "http://other/"}}, URL),
        ({"metadata": {"precondition_url": ""}, "payload": {"precondition_url": None}}, None),
        ({"payload": {"precondition_url": URL}, "source_system": "wpp_gateway"}, None),
        ({}, None),
    ],
)
def test_the_address_stands_in_the_metadata_or_the_payload(fields: dict[str, Any], expected: str | None) -> None:
    assert precondition_of(event(**fields)) == expected


@pytest.mark.parametrize(
    "url",
    [
        7,
        [],
        "erp/unpaid",
        "ftp://erp/x",
        "https://",
        "https:///x",
        "http://erp:port/",
        "https://user:pw@erp/x",
        "http://[x",
    ],
)
def test_what_is_no_address_is_refused_with_its_place(url: Any) -> None:
    with pytest.raises(ValueError, match=r"payload\.precondition_url: must be an address"):
        precondition_of(event(payload={"precondition_url": url}))


@pytest.mark.parametrize(
    ("hosts", "url", "expected"),
    [
        (["erp.example"], URL, True),
        (["erp.example:443"], URL, True),
        (["erp.example:8443"], URL, False),
        (["erp.example"], "http://ERP.example:8080/x", True),
        (["example"], URL, False),
        ([], URL, False),
        (["erp.example"], "https://erp.example@evil.example/", False),
        (["erp.example"], "https://evil.example/erp.example", False),
    ],
)
def test_only_hosts_that_are_named_may_be_asked(hosts: list[str], url: str, *, expected: bool) -> None:
    assert is_allowed(url, frozenset(hosts)) is expected
