"""The error tree: what is known about a failed call."""

import pytest

from adapters.gateway import GatewayError, NotSent, Permanent, Unknown


def test_an_error_carries_its_facts_as_attributes() -> None:
    error = NotSent("http_429", status=429, said="slow down", request_id="r-1", retry_after=7.0)
    assert (error.reason, error.status, error.said, error.request_id, error.retry_after) == (
        "http_429",
        429,
        "slow down",
        "r-1",
        7.0,
    )


def test_an_error_reads_as_one_line() -> None:
    assert str(Unknown("html_504", status=504, said="504 Gateway Time-out")) == (
        "html_504 (status 504): 504 Gateway Time-out"
    )
    assert str(NotSent("connect_refused")) == "connect_refused"


@pytest.mark.parametrize("error_class", [NotSent, Permanent, Unknown])
def test_every_error_is_a_gateway_error_and_of_one_class(error_class: type[GatewayError]) -> None:
    error = error_class("reason")
    assert isinstance(error, GatewayError)
    assert [isinstance(error, each) for each in (NotSent, Permanent, Unknown)].count(True) == 1
