"""Headers of our own records."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from schemas import headers
from streams.envelope import headers_for


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_written_in_iso_8601(moment: datetime) -> None:
    said = dict(headers_for(id="1", type="a.b", source="erp", time=moment, trace_id="t"))
    assert said[headers.CE_TIME].decode() == moment.isoformat()
