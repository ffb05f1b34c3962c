"""A worker that stands still ends itself; one that waits for something outside does not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.runtime.heartbeat import EXIT_STALLED
from tests.streams.runtime.cluster import Cluster
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

LIMIT = 1.0


@pytest.fixture
async def cluster(kafka: str, tmp_path: Path) -> AsyncIterator[Cluster]:
    async with Cluster(kafka, tmp_path) as cluster:
        yield cluster


async def test_a_stage_that_hangs_ends_the_worker_and_one_that_waits_for_something_outside_does_not(
    cluster: Cluster,
) -> None:
    (cluster.folder / "down").touch()
    await cluster.send(b"transient", partition=0)
    worker = cluster.start("--stall", str(LIMIT))
    await eventually(lambda: "wait_seconds=1.6" in cluster.logs(), 40)  # it has waited for 1.5 seconds by then
    assert worker.poll() is None
    (cluster.folder / "down").unlink()
    await eventually(cluster.drained, 40, because=cluster.logs())

    (cluster.folder / "down").touch()
    await cluster.send(b"stuck", partition=1)

    assert await cluster.ended(worker) == EXIT_STALLED
    log = (cluster.folder / "worker-0.log").read_text()
    [said] = [line for line in log.splitlines() if "worker_stalled" in line]
    for part in ("its commits stand still", f"topic={cluster.prefix}.in", "partition=1", "stage=dedupe", "lag=1"):
        assert part in said
    assert f"doing='deciding 1 records from {cluster.prefix}.in/1@0 on'" in said
    assert "await asyncio.Event().wait()" in log  # where it hangs
    assert 1 not in await cluster.committed()
