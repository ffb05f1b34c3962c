"""Where a record with a key lies."""

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from streams.partitions import partition_of


@given(st.binary(), st.integers(1, 64))
def test_a_key_goes_where_every_other_client_would_send_it(key: bytes, count: int) -> None:
    partitions = list(range(count))

    assert partition_of(key, count) == DefaultPartitioner()(key, partitions, partitions)
