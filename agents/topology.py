"""The agents on one app, in the order in which data passes them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from adapters.mysql.errors import DatabaseRefusedError, DatabaseUnavailableError
from adapters.mysql.projector import Projector
from adapters.objects import StoreUnavailableError
from agents import http, lookups, media, normalizer, projector, router, sender
from agents.router import ConfigurationSource
from streams import topics
from streams.errands.errands import Errands
from streams.forgetting import Forgetting
from streams.objects import ObjectStore
from streams.raw_log import KafkaRawLog
from streams.releases import Keepers, Surroundings
from streams.runtime import BatchApp, BatchTable, RuntimeConfig
from streams.runtime.owners import Owners
from streams.sending.outboxes import Outboxes
from streams.talks import told_at

_FORGET_EVERY: Final = 3_600.0  # seconds
_TALKS_KEPT: Final = timedelta(days=1)


@dataclass(frozen=True)
class Resources:
    """What the agents are given. `dedupe_for`: how long the router remembers a key."""

    configuration: ConfigurationSource
    projector: Projector
    objects: ObjectStore
    dedupe_for: timedelta


def build(config: RuntimeConfig, resources: Resources) -> tuple[BatchApp, BatchTable]:
    """The app with all agents up to MySQL, and the sender's table (`add_sender`)."""
    app = BatchApp(config)
    seen = app.batch_table(topics.SEEN_TABLE, shedding=router.SHEDDING)
    forgetting = Forgetting(seen, keep=resources.dedupe_for, now=lambda: datetime.now(UTC))
    app.timer(interval=_FORGET_EVERY)(forgetting.sweep)
    keepers = Keepers(
        Surroundings(
            table=seen,
            publisher=app.publisher,
            raw=KafkaRawLog(config.connection),
            is_known=lambda channel: resources.configuration.current.channel(channel) is not None,
        ),
        fatal=app.fatal,
    )
    _own(app, seen, keepers)
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
        function=router.build(resources.configuration, keepers, keep=resources.dedupe_for),
        outputs=router.OUTPUTS,
        table=seen,
    )
    app.batch_agent(
        *projector.SOURCES,
        name="projector",
        function=projector.build(resources.projector),
        transient=(DatabaseUnavailableError, DatabaseRefusedError),
        spacing=projector.SPACING,
    )
    return app, app.batch_table(topics.DELIVERIES_TABLE)


def add_sender(app: BatchApp, table: BatchTable, outboxes: Outboxes) -> None:
    """Put the sender on the app."""
    app.batch_agent(*sender.SOURCES, name="sender", function=sender.build(outboxes), outputs=sender.OUTPUTS)
    _own(app, table, outboxes)


def add_media(app: BatchApp, table: BatchTable, errands: Errands, *, first_try: timedelta) -> None:
    """Put the fetching of files on the app; `first_try`: how long after its message a file is first asked for."""
    function = media.build(errands, first_try=first_try)
    app.batch_agent(*media.SOURCES, name="media", function=function, outputs=media.OUTPUTS)
    _own(app, table, errands)


def add_lookups(app: BatchApp, table: BatchTable, memory: BatchTable, errands: Errands | None) -> None:
    """Put the look-ups of lids on the app; without errands they are switched off, and what is asked for is let go."""
    function = lookups.build(errands, memory) if errands else lookups.let_go
    app.batch_agent(*lookups.SOURCES, name="lookups", function=function, outputs=lookups.OUTPUTS)
    if errands:
        _own(app, table, errands)


def add_http(app: BatchApp, table: BatchTable, talks: BatchTable, errands: Errands) -> None:
    """Put the posts to targets on the app; an answer is remembered for a day, in case its command comes again."""
    app.batch_agent(*http.SOURCES, name="http", function=http.build(errands), outputs=http.OUTPUTS)
    _own(app, table, errands)
    forgetting = Forgetting(talks, keep=_TALKS_KEPT, now=lambda: datetime.now(UTC), told_at=told_at)
    app.timer(interval=_FORGET_EVERY)(forgetting.sweep)


def _own(app: BatchApp, table: BatchTable, owners: Owners[Any]) -> None:
    """Let owners have a partition from the table's recovery to the hand-over."""
    table.recovered(owners.assigned)
    app.on_hand_over(owners.start_nothing_more, owners.release)
