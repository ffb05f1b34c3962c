"""Whether Kafka answers, and whether it would take a record."""

from pathlib import Path

import pytest

from infra.stack.ports import free_port
from streams.runtime.ends import Ends
from tests.streams.runtime.cluster import Cluster


@pytest.mark.integration
async def test_ends_are_told_and_a_topic_without_enough_copies_takes_nothing(kafka: str, tmp_path: Path) -> None:
    async with Cluster(kafka, tmp_path) as cluster:
        await cluster.send(b"1|x", partition=2)
        ends = Ends({"bootstrap_servers": kafka})
        topic = f"{cluster.prefix}.in"
        assert await ends.of([(topic, 1), (topic, 2)]) == {(topic, 1): 0, (topic, 2): 1}
        assert await ends.are_written([topic])
        assert not await Ends({"bootstrap_servers": kafka}, in_sync=2).are_written([topic])
        await ends.close()


async def test_a_kafka_that_is_away_says_nothing() -> None:
    ends = Ends({"bootstrap_servers": f"127.0.0.1:{free_port()}"})
    assert await ends.of([("any", 0)]) is None
    assert not await ends.are_written(["any"])
