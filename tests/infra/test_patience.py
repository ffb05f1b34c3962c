"""People's commands give up on what stays away, and say what they tried."""

import asyncio
import re
from pathlib import Path

import pytest

from infra.patience import GaveUpError, patiently
from infra.stack import ports
from tests.support.stack import posto


async def test_what_takes_too_long_is_given_up() -> None:
    with pytest.raises(GaveUpError, match=r"after 0\.01 s: no answer from Kafka at x:1\. .*--wait 600"):
        await patiently(asyncio.Event().wait(), 0.01, "Kafka at x:1")


async def test_what_is_in_time_is_not() -> None:
    assert await patiently(asyncio.sleep(0, "done"), 10, "Kafka") == "done"


async def test_a_time_out_of_the_work_itself_stays_what_it_is() -> None:
    async def work() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        await patiently(work(), 10, "Kafka")


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (["publish"], "Kafka at .* or MySQL at"),
        (["topics", "apply"], "Kafka at"),
        (["topics", "list"], "Kafka at"),
        (["migrate"], "MySQL at"),
        (["rules", "list"], "Kafka at"),
    ],
    ids=["publish", "topics apply", "topics list", "migrate", "rules list"],
)
def test_a_command_gives_up_on_what_is_away(command: list[str], names: str, tmp_path: Path) -> None:
    away = f"127.0.0.1:{ports.free_port()}"
    settings = {"KAFKA_BOOTSTRAP_SERVERS": away, "MYSQL_DSN": f"mysql://posto:x@{away}/posto"}
    done = posto(tmp_path, settings, *command, "--wait", "0.5")
    assert done.returncode == 1
    assert re.fullmatch(rf"posto: Gave up after 0\.5 s: no answer from {names}.*", done.stderr.splitlines()[-1])
    assert away in done.stderr.splitlines()[-1]
