"""The log of alarms leaves nothing behind where Kafka is away."""

import asyncio
import gc
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.alarm_log import alarm_log


async def test_a_log_that_finds_no_broker_leaves_no_client_open() -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    with pytest.raises(KafkaConnectionError):
        async with alarm_log({"bootstrap_servers": "127.0.0.1:1"}):
            pass
    gc.collect()
    assert complaints == []
