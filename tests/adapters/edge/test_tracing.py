"""Trace ids come from the caller where it gave a usable one."""

import pytest

from adapters.edge import tracing

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01".encode()


def test_a_traceparent_is_forwarded_and_its_trace_id_used() -> None:
    assert tracing.from_headers({b"traceparent": TRACEPARENT, b"x-trace-id": b"other"}) == (TRACE, TRACEPARENT)


@pytest.mark.parametrize(
    "traceparent",
    [
        b"",
        b"ff-" + TRACEPARENT[3:],
        b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
        b"00-" + TRACE.encode() + b"-" + b"0" * 16 + b"-01",
        TRACEPARENT.upper(),
        TRACEPARENT + b" ",
        TRACEPARENT[:-1],
        TRACEPARENT + b"-" + b"x" * 201,
    ],
)
def test_a_broken_traceparent_counts_as_none(traceparent: bytes) -> None:
    assert tracing.from_headers({b"traceparent": traceparent}) is None
    assert tracing.from_headers({b"traceparent": traceparent, b"x-trace-id": b"run-7"}) == ("run-7", None)


def test_a_later_version_of_traceparent_is_read() -> None:
    later = b"01" + TRACEPARENT[2:] + b"-more"
    assert tracing.from_headers({b"traceparent": later}) == (TRACE, later)


def test_an_id_of_the_w3c_form_gets_a_traceparent_that_names_it() -> None:
    found = tracing.from_headers({b"x-trace-id": TRACE.encode()})
    assert found is not None
    assert found.traceparent is not None
    assert tracing.from_headers({b"traceparent": found.traceparent}) == found


def test_made_traces_differ_and_name_themselves() -> None:
    first, second = tracing.made(), tracing.made()
    assert first.trace_id != second.trace_id
    assert tracing.from_headers({b"traceparent": first.traceparent or b""}) == first


@pytest.mark.parametrize("unusable", [None, 5, "", " ", "a\nb", "x" * 129, "é" * 65, ["x"]])
def test_what_cannot_go_into_a_header_or_a_log_names_no_trace(unusable: object) -> None:
    assert tracing.named(unusable) is None


def test_a_name_is_taken_without_the_space_around_it() -> None:
    assert tracing.named(" run-7 ") == ("run-7", None)
