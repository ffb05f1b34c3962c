"""The batch runtime on a real Kafka: what survives errors, crashes and restarts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.runtime.stage import EXIT_CODE
from tests.streams.runtime.cluster import Cluster
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
async def cluster(kafka: str, tmp_path: Path) -> AsyncIterator[Cluster]:
    async with Cluster(kafka, tmp_path) as cluster:
        yield cluster


async def test_a_poison_record_goes_to_dead_letter_and_its_neighbours_flow_on(cluster: Cluster) -> None:
    for value in (b"1|x", b"poison", b"2|x", None, b"3|x"):
        await cluster.send(value, partition=0)
    cluster.start()

    await eventually(cluster.drained, 40, because=cluster.logs())

    assert set(await cluster.outputs()) == {b"1", b"2", b"3", b""}
    [letter] = await cluster.dead_letters()
    assert letter.value == b"poison"
    headers = dict(letter.headers)
    assert headers["stage"] == b"dedupe"
    assert headers["error_class"] == b"ValueError"
    assert headers["error_message"] == b"a poisonous record"
    assert (headers["source_partition"], headers["source_offset"]) == (b"0", b"1")


async def test_an_output_that_its_topic_refuses_is_a_dead_letter(cluster: Cluster) -> None:
    await cluster.send(b"huge", partition=0)
    await cluster.send(b"1|x", partition=0)
    cluster.start()

    await eventually(cluster.drained, 40, because=cluster.logs())

    assert set(await cluster.outputs()) == {b"1"}
    [letter] = await cluster.dead_letters()
    assert dict(letter.headers)["error_class"] == b"RecordTooLargeError"


async def test_whatever_bytes_arrive_reach_the_agent_and_the_dead_letter_unchanged(cluster: Cluster) -> None:
    values = [b"\xff\xfe|\x00", bytes(5_000_000), b"", b"[" * 100_000]
    for value in values:
        await cluster.send(value, partition=1)
    cluster.start()

    await eventually(cluster.drained, 40, because=cluster.logs())

    letters = await cluster.dead_letters()
    assert [letter.value for letter in letters] == [bytes(5_000_000)]  # its output would not fit
    assert set(await cluster.outputs()) == {b"\xff\xfe", b"", b"[" * 100_000}


@pytest.mark.parametrize("value", [b"abort", b"broken"])
async def test_an_error_that_is_no_poison_ends_the_process_and_acknowledges_nothing(
    cluster: Cluster, value: bytes
) -> None:
    await cluster.send(value, partition=0)
    worker = cluster.start()

    assert await cluster.ended(worker) == EXIT_CODE

    assert await cluster.committed() == {}
    assert await cluster.outputs() == {}
    assert await cluster.dead_letters() == []


async def test_a_transient_fault_holds_its_batch_until_it_is_over(cluster: Cluster) -> None:
    (cluster.folder / "down").touch()
    await cluster.send(b"transient", partition=0)
    cluster.start()
    await eventually(lambda: "stage_waits" in cluster.logs(), 40)
    assert await cluster.committed() == {}

    (cluster.folder / "down").unlink()

    await eventually(cluster.drained, 40, because=cluster.logs())
    assert set(await cluster.outputs()) == {b"transient"}
    assert await cluster.dead_letters() == []


async def test_a_worker_that_waits_out_a_fault_stops_at_once_and_its_batch_goes_to_the_next(cluster: Cluster) -> None:
    (cluster.folder / "down").touch()
    await cluster.send(b"transient", partition=0)
    first = cluster.start()
    await eventually(lambda: "stage_waits" in cluster.logs(), 40)

    assert await cluster.stop(first) == 0
    assert await cluster.committed() == {}

    (cluster.folder / "down").unlink()
    cluster.start()
    await eventually(cluster.drained, 40, because=cluster.logs())
    assert set(await cluster.outputs()) == {b"transient"}


async def test_an_agent_that_hangs_is_let_go_at_a_stop_and_its_batch_goes_to_the_next(cluster: Cluster) -> None:
    (cluster.folder / "down").touch()
    await cluster.send(b"stuck", partition=0)
    first = cluster.start()
    await eventually((cluster.folder / "hangs").exists, 40)

    assert await cluster.stop(first) == 0
    assert "batch_let_go" in cluster.logs()
    assert await cluster.committed() == {}

    (cluster.folder / "down").unlink()
    cluster.start()
    await eventually(cluster.drained, 40, because=cluster.logs())
    assert set(await cluster.outputs()) == {b"stuck"}


async def test_a_decision_is_durable_before_its_effects_and_said_again_after_a_crash(cluster: Cluster) -> None:
    (cluster.folder / "answer").write_text("first")
    await cluster.send_numbers(range(100))
    assert await cluster.ended(cluster.start("--crash-after", "table")) == 9
    remembered = await cluster.read(f"{cluster.prefix}-seen-changelog")
    assert remembered
    assert await cluster.outputs() == {}
    assert await cluster.committed() == {}

    (cluster.folder / "answer").write_text("second")
    cluster.start()
    await eventually(cluster.drained, 40, because=cluster.logs())

    outputs = await cluster.outputs()
    assert len(outputs) == 100
    for record in remembered:
        assert outputs[record.key] == {record.key + b"|" + record.value}
        assert record.value.endswith(b",first")


async def test_outputs_are_durable_before_acks_and_repeated_byte_for_byte_after_a_crash(cluster: Cluster) -> None:
    (cluster.folder / "answer").write_text("first")
    await cluster.send_numbers(range(100))
    assert await cluster.ended(cluster.start("--crash-after", "outputs")) == 9
    before = await cluster.outputs()
    assert before
    assert await cluster.committed() == {}

    (cluster.folder / "answer").write_text("second")
    cluster.start()
    await eventually(cluster.drained, 40, because=cluster.logs())

    after = await cluster.outputs()
    assert len(after) == 100
    assert all(len(values) == 1 for values in after.values())
    assert all(after[number] == values for number, values in before.items())


async def test_a_restart_recovers_the_table_before_the_first_record(cluster: Cluster) -> None:
    await cluster.send_numbers(range(5_000))
    first = cluster.start()
    await eventually(cluster.drained, 40, because=cluster.logs())
    assert await cluster.stop(first) == 0
    (cluster.folder / "recovered").unlink()

    await cluster.send_numbers(range(5_100))
    cluster.start()
    await eventually(cluster.drained, 40, because=cluster.logs())

    recovered = (cluster.folder / "recovered").read_text().splitlines()
    assert recovered[0].split()[1] == "5000", recovered
    assert len(await cluster.read(f"{cluster.prefix}.out")) == 5_100
