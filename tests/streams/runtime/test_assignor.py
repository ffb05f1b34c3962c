from types import SimpleNamespace
from typing import Any

import pytest

from streams.runtime import BatchApp, RuntimeConfig
from streams.runtime.assignor import WholeAssignor

CONFIG = RuntimeConfig({"bootstrap_servers": "127.0.0.1:1"}, app_id="assigned", partitions=2)


class _Ended(Exception):  # noqa: N818
    """The process would be gone."""


def _fatal(error: BaseException) -> None:
    raise _Ended(str(error))


def _assign(app: BatchApp, seen: dict[str, set[int]]) -> Any:
    assignor = WholeAssignor(app)
    metadata = assignor.metadata({"raw.event", "raw.webhook"})
    return assignor.assign(SimpleNamespace(partitions_for_topic=seen.get), {"member": metadata})


def test_all_partitions_of_all_topics_are_given_out() -> None:
    given = _assign(BatchApp(CONFIG, fatal=_fatal), {"raw.event": {0, 1}, "raw.webhook": {0, 1}})
    assert dict(given["member"].assignment) == {"raw.event": [0, 1], "raw.webhook": [0, 1]}


def test_a_topic_that_is_not_seen_ends_the_process_instead_of_being_left_to_nobody() -> None:
    with pytest.raises(_Ended, match=r"raw\.webhook"):
        _assign(BatchApp(CONFIG, fatal=_fatal), {"raw.event": {0, 1}})


def test_it_is_the_one_that_the_app_uses() -> None:
    assert isinstance(BatchApp(CONFIG).assignor, WholeAssignor)
