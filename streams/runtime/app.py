"""A Faust app whose messages are fetched batches, and the decorator that puts an agent on it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple

import faust
from faust.app.base import BootStrategy
from faust.transport.drivers import aiokafka as driver

from streams.runtime import recovery, surface
from streams.runtime.config import RuntimeConfig, faust_options
from streams.runtime.consumer import NO_GENERATION, BatchConsumer
from streams.runtime.errors import OwnershipLostError
from streams.runtime.publisher import Publisher
from streams.runtime.stage import AgentFunction, Stage, die
from streams.runtime.table import BatchTable, Shedding

_MORE_THAN_A_HAND_OVER = 5.0  # seconds for the rest of a stop


class _BatchProducer(driver.Producer):
    def _settings_extra(self) -> dict[str, Any]:
        """Idempotent: outages are retried by aiokafka for free, and batches never expire."""
        return {"acks": "all", "enable_idempotence": True}


class _BatchTransport(driver.Transport):
    Consumer = BatchConsumer
    Producer = _BatchProducer


class _BatchSchema(faust.Schema):
    """Hands fetched batches through: the agents decode."""

    def compile(self, app: Any, **_: Any) -> Callable[..., Any]:
        """A decoder that makes an event of the batch as it is."""
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return create_event(None, message.value, None, message)

        return decode


class _WithoutWeb(BootStrategy):
    enable_web = False  # Faust's server listens on all interfaces with open table views

    def kafka_producer(self) -> Iterable[Any]:
        """The app's producer, and those of the stages."""
        return [*super().kafka_producer(), *self.app.stage_producers]


class HandOver(NamedTuple):
    """What somebody does at a hand-over (`BatchApp.on_hand_over`)."""

    stop: Callable[[], None]
    release: Callable[[], Awaitable[None]]


class BatchApp(faust.App):
    """A Faust app on the batch transport."""

    BootStrategy = _WithoutWeb

    def __init__(self, config: RuntimeConfig, *, fatal: Callable[[BaseException], None] = die, **options: Any) -> None:
        surface.check()
        self.unacked_bytes_per_partition = config.unacked_bytes_per_partition
        self.fatal = fatal
        self.publisher = Publisher(lambda: self.producer._ensure_producer())
        self._config = config
        self.stages: dict[str, Stage] = {}
        """The stage that takes each topic."""
        self.stage_producers: list[Any] = []
        """Of each stage with outputs: a producer has one request to a broker under way, and stages do not queue so."""
        self.lost: OwnershipLostError | None = None
        """Why the process is to stop in order and start anew; None as long as it is not."""
        self.ownership_lost = asyncio.Event()
        self._hand_overs: list[HandOver] = []
        super().__init__(config.app_id, **(faust_options(config) | options))

    def _create_directories(self) -> None:
        """None: the tables are in memory."""

    def _new_transport(self) -> Any:
        return _BatchTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return _BatchTransport(self.conf.broker_producer, self)

    @property
    def stop_seconds(self) -> float:
        """The longest that a stop in order takes."""
        return self._config.hand_over + _MORE_THAN_A_HAND_OVER

    @property
    def is_member(self) -> bool:
        """Whether this process holds its partitions, as far as it knows: none are taken away, none given up."""
        return self.consumer_generation_id != NO_GENERATION and not self.should_stop

    def on_rebalance_start(self) -> None:
        """Called by the consumer's own thread. There is no generation from here to the next assignment.

        In this order: who ends an earlier rebalance just now sees one of the two.
        """
        self.consumer_generation_id = NO_GENERATION
        super().on_rebalance_start()

    def on_rebalance_end(self) -> None:
        """Called at the end of a recovery. One that is overtaken by the next rebalance ends nothing (R1).

        Else records would flow while the tables of the next one recover, and the end of that clears the agents' queues.
        """
        if recovery.is_of(self.consumer_generation_id):
            super().on_rebalance_end()
            if not recovery.is_of(self.consumer_generation_id):  # it began in between, by the other thread
                self.rebalancing = True

    def stop_or_die(self, error: BaseException) -> None:
        """What to do once an owner is over: where the ownership was lost, stop in order, else end at once.

        What other partitions have under way is finished and recorded that way. To go on would ask for a rebalance as
        well, and would trust the rest of a process that was wrong about what it owns.
        """
        if not isinstance(error, OwnershipLostError):
            self.fatal(error)
        elif self.lost is None:
            self.lost = error
            self.ownership_lost.set()

    def on_hand_over(self, stop: Callable[[], None], release: Callable[[], Awaitable[None]]) -> None:
        """Take part in every hand-over of the partitions, at a rebalance or a stop.

        `stop` is called at its beginning: start nothing more. `release` is awaited once the agents' batches are done:
        the next owner may start as soon as it returned.
        """
        self._hand_overs.append(HandOver(stop, release))

    def begin_hand_over(self) -> None:
        """Called by the consumer when the partitions are about to be taken away."""
        for one in self._hand_overs:
            one.stop()

    async def finish_hand_over(self) -> None:
        """Called by the consumer when the agents' batches are done: let go of what is held for the partitions."""
        for one in self._hand_overs:
            try:
                await one.release()
            except Exception as error:  # noqa: BLE001 (Faust would only log it)
                self.fatal(error)

    def batch_table(self, name: str, *, shedding: Shedding | None = None) -> BatchTable:
        """A keyed table of this app, bytes to bytes; `shedding` says what its values need for a while only."""
        changelog = self.topic(
            f"{self._config.app_id}-{name}-changelog",
            schema=_BatchSchema(),
            partitions=self._config.partitions,
            acks=False,
            compacting=True,
        )
        table = BatchTable(
            self,
            name=name,
            partitions=self._config.partitions,
            changelog_topic=changelog,
            publisher=self.publisher,
            fatal=self.fatal,
            shedding=shedding,
        )
        self.tables.add(table)
        return table

    def resting_topics(self) -> tuple[frozenset[str], float | None]:
        """Of what nothing is wanted while records flow, and in how many seconds something of it will be, if at all.

        The tables' changelogs are read in a recovery alone; other topics rest until their stage's next batch may begin.
        """
        rests = {topic: rest for topic, stage in self.stages.items() if (rest := stage.rest()) > 0}
        return frozenset(rests) | self.tables.changelog_topics, min(rests.values(), default=None)

    def batch_agent(
        self,
        *sources: str,
        name: str,
        function: AgentFunction,
        outputs: Sequence[str] = (),
        table: BatchTable | None = None,
        transient: tuple[type[Exception], ...] = (),
        spacing: float = 0.0,
    ) -> Stage:
        """Run `function` over the batches of some topics; `outputs` names the topics that it emits to.

        `spacing`: seconds from the beginning of one batch to that of the next, for who prefers large ones.
        """
        stage = Stage(
            name,
            function,
            app=self,
            publisher=self._publisher_of_its_own() if outputs else self.publisher,
            table=table,
            transient=transient,
            outputs=outputs,
            fatal=self.fatal,
            spacing=spacing,
        )
        self.stages |= dict.fromkeys(sources, stage)
        source = self.topic(*sources, schema=_BatchSchema(), partitions=self._config.partitions)

        async def agent(stream: Any) -> None:
            await stage.run(stream)

        self.agent(source, name=f"{self._config.app_id}.{name}", concurrency=1)(agent)
        return stage

    def _publisher_of_its_own(self) -> Publisher:
        producer = self._new_producer()
        self.stage_producers.append(producer)
        return Publisher(producer._ensure_producer)
