"""What is saved is brought into force as far as it goes, and nobody's trouble is everybody's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.errors import ConsumerStoppedError, KafkaConnectionError

from infra.authoring import reach as reaching
from infra.authoring.saving import reach
from infra.channels.effects import put_in_force
from infra.configuration import Outcome
from infra.workers import InForce
from streams import topics
from streams.configuration import Key

RULE = Key(topics.CONFIG_RULE, "r")


class Shared:
    """What requests share; `trouble` is what each publication meets, and `reopened` how often it was given up."""

    def __init__(self, trouble: BaseException | None = None, faults: dict[Key, str] | None = None) -> None:
        self.db = self
        self.reopened = 0
        self._trouble = trouble
        self._faults = faults or {}

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        yield

    async def publisher(self) -> Any:
        return self

    async def workers(self) -> Any:
        return self

    async def publish(self, _: Any) -> Outcome:
        if self._trouble is not None:
            raise self._trouble
        return Outcome((), (), self._faults, is_complete=True, positions={})

    async def in_force(self, *_: Any) -> InForce:
        return InForce(workers=1, waiting_for=[], seconds=0.0)

    async def reopen_configuration(self) -> None:
        self.reopened += 1


class Busy(Shared):
    """Somebody else publishes, and does not end."""

    async def publish(self, _: Any) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError("never")


async def test_what_all_share_is_given_up_after_an_error_of_kafka_alone() -> None:
    refused = Shared(faults={RULE: "it makes no sense"})
    assert "makes no sense" in str(await reach(refused, [RULE], 0))  # type: ignore[arg-type]
    assert refused.reopened == 0
    away = Shared(KafkaConnectionError("away"))
    assert "the workers publish it" in str(await reach(away, [RULE], 0))  # type: ignore[arg-type]
    assert "the workers publish it" in str(await put_in_force(away, "canal"))  # type: ignore[arg-type]
    assert away.reopened == 2


async def test_whose_publisher_another_one_gave_up_learns_that_it_is_published_later() -> None:
    stopped = Shared(ConsumerStoppedError())
    for reached in (await reach(stopped, [RULE], 0), await put_in_force(stopped, "canal")):  # type: ignore[arg-type]
        assert (reached.in_force, "the workers publish it" in str(reached)) == (None, True)
    assert stopped.reopened == 0


async def test_publishing_is_not_waited_for_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "_PUBLISH_SECONDS", 0.01)
    async with asyncio.timeout(5):
        reached = await reach(Busy(), [RULE], 0)  # type: ignore[arg-type]
    assert (reached.in_force, "not be published within 0.01 s" in str(reached)) == (None, True)
