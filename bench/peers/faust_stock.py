"""Faust as its documentation has it: an agent on a stream of events, a table, `topic.send`."""

import os
import signal
from typing import Any

import faust

from bench.peers.task import Meter, Task, task
from bench.peers.work import Given, Slip, function_of
from streams import topics


def build(told: Task) -> Any:
    """The app; it stops once all is done."""
    app = faust.App(
        told.group,
        broker=f"kafka://{told.servers}",
        store="memory://",
        key_serializer="raw",
        value_serializer="raw",
        datadir=told.folder,
        topic_partitions=told.partitions,
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    source = app.topic(topics.EVENT_NORMALIZED, key_type=bytes, value_type=bytes)
    accepted = app.topic(topics.EVENT_ACCEPTED, key_type=bytes, value_type=bytes)
    seen = app.Table("seen", key_type=bytes, value_type=bytes)
    function = function_of(told.stages[-1])
    meter = Meter(told.events)

    @app.agent(source)
    async def route(stream: Any) -> None:
        async for event in stream.events():
            meter.begin()
            at = event.message
            record = Given(at.topic, at.partition, at.offset, at.timestamp, event.key, event.value, at.headers)
            slip = Slip([record], told.partitions, seen)
            await function(slip)
            for out in slip.written:
                sent = await accepted.send(key=out.key, value=out.value, headers=dict(out.headers))
            if meter.done():
                await sent
                meter.tell()
                os.kill(os.getpid(), signal.SIGTERM)

    return app


if __name__ == "__main__":
    faust.Worker(build(task()), loglevel="info").execute_from_commandline()
