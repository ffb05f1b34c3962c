"""The agents on one app, in the order in which data passes them."""

from dataclasses import dataclass
from datetime import timedelta

from adapters.mysql.errors import DatabaseRefusedError, DatabaseUnavailableError
from adapters.mysql.projector import Projector
from adapters.objects import StoreUnavailableError
from agents import normalizer, projector, router, sender
from agents.router import ConfigurationSource
from streams import topics
from streams.objects import ObjectStore
from streams.runtime import BatchApp, BatchTable, RuntimeConfig
from streams.sending.outboxes import Outboxes


@dataclass(frozen=True)
class Resources:
    """What the agents are given. `dedupe_for`: how long the router remembers a key."""

    configuration: ConfigurationSource
    projector: Projector
    objects: ObjectStore
    dedupe_for: timedelta


def build(config: RuntimeConfig, resources: Resources) -> tuple[BatchApp, BatchTable]:
    """The app with all agents but the sender, and the sender's table: its outboxes need both (`add_sender`)."""
    app = BatchApp(config)
    app.batch_agent(
        *normalizer.SOURCES,
        name="normalizer",
        function=normalizer.build(resources.objects),
        outputs=normalizer.OUTPUTS,
        transient=(StoreUnavailableError,),
    )
    app.batch_agent(
        *router.SOURCES,
        name="router",
        function=router.build(resources.configuration, keep=resources.dedupe_for),
        outputs=router.OUTPUTS,
        table=app.batch_table(topics.SEEN_TABLE),
    )
    app.batch_agent(
        *projector.SOURCES,
        name="projector",
        function=projector.build(resources.projector),
        transient=(DatabaseUnavailableError, DatabaseRefusedError),
    )
    return app, app.batch_table(topics.DELIVERIES_TABLE)


def add_sender(app: BatchApp, table: BatchTable, outboxes: Outboxes) -> None:
    """Put the sender on the app: its outboxes own a partition from the table's recovery to the hand-over."""
    app.batch_agent(*sender.SOURCES, name="sender", function=sender.build(outboxes), outputs=sender.OUTPUTS)
    table.recovered(outboxes.assigned)
    app.on_hand_over(outboxes.start_nothing_more, outboxes.release)
