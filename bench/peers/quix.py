"""Quix Streams as its documentation has it: a dataframe over a topic, a function with state, to another topic."""

from collections.abc import MutableMapping
from typing import Any

from quixstreams import Application, State, message_context

from bench.peers.task import Meter, Task, task
from bench.peers.work import Given, Slip, at_once, function_of
from streams import topics


class Rows(MutableMapping[bytes, bytes]):
    """Quix's state of one key as a table."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __getitem__(self, key: bytes) -> bytes:
        if (found := self._state.get_bytes(key.hex())) is None:
            raise KeyError(key)
        return bytes(found)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._state.set_bytes(key.hex(), value)

    def __delitem__(self, key: bytes) -> None:
        self._state.delete(key.hex())

    def __iter__(self) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError


def run(told: Task) -> None:
    """Work until all is done."""
    app = Application(
        broker_address=told.servers,
        consumer_group=told.group,
        auto_offset_reset="earliest",
        state_dir=told.folder,
    )
    source = app.topic(topics.EVENT_NORMALIZED, key_deserializer="bytes", value_deserializer="bytes")
    accepted = app.topic(topics.EVENT_ACCEPTED, key_serializer="bytes", value_serializer="bytes")
    function = function_of(told.stages[-1])
    meter = Meter(told.events)

    def route(value: bytes, key: bytes, timestamp: int, headers: Any, state: State) -> bytes | None:
        meter.begin()
        at = message_context()
        record = Given(at.topic, at.partition, at.offset, timestamp, key, value, headers or ())
        slip = Slip([record], told.partitions, Rows(state))
        at_once(function(slip))
        [out] = slip.written
        return out.value  # its key and its headers are those of the event that it is about

    app.dataframe(source).apply(route, stateful=True, metadata=True).to_topic(accepted)
    app.run(count=told.events, collect=False)
    meter.tell()


if __name__ == "__main__":
    run(task())
