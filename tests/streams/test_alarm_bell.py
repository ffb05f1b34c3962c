"""Alarms that parts of a worker tell, on their way to the log."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from schemas.alarms import Alarm, AlarmKind
from streams import alarm_bell
from streams.alarm_bell import AlarmBell
from tests.support.waiting import eventually

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def alarm(subject: str) -> Alarm:
    return Alarm(kind=AlarmKind.GATEWAY_DOWN, subject=subject, message="m", at=NOON)


async def test_what_is_told_while_kafka_is_away_is_written_once_it_is_back_and_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[str] = []
    failures = 2

    class Log:
        async def tell(self, told: Alarm) -> None:
            nonlocal failures
            if failures:
                failures -= 1
                raise KafkaConnectionError
            written.append(told.subject)

    @asynccontextmanager
    async def log(_: Mapping[str, Any]) -> AsyncIterator[Log]:
        yield Log()

    monkeypatch.setattr(alarm_bell, "alarm_log", log)
    monkeypatch.setattr(alarm_bell, "_WAIT", 0.001)
    errors: list[BaseException] = []
    bell = AlarmBell({}, errors.append)
    await bell.start()
    for subject in "abc":
        bell.tell(alarm(subject))
    await eventually(lambda: len(written) == 3, interval=0.001)
    await asyncio.wait_for(bell.stop(), 5)
    assert (written, errors) == (["a", "b", "c"], [])
