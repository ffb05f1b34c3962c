"""The app of a worker: its agents, the owners beside them, and what each is given by the settings."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

from adapters.gateway import GatewayClient
from adapters.mysql.projector import Projector
from adapters.objects import StoreUnavailableError
from adapters.preconditions import Preconditions
from adapters.targets import Targets
from agents import lookups
from agents.http import Bounds, Poster
from agents.lookups import LidErrander
from agents.media import Fetcher
from agents.sender import GatewayCarrier, GatewayLook
from agents.topology import Resources, add_http, add_lookups, add_media, add_sender, build
from infra.kafka import connection
from infra.media import store
from infra.settings import Settings
from schemas.configuration import Channel
from streams import topics
from streams.alarm_bell import AlarmBell
from streams.configuration_feed import ConfigurationFeed
from streams.errands.errands import Errands
from streams.errands.runner import Surroundings as ErrandSurroundings
from streams.errands.schedule import Schedule as ErrandSchedule
from streams.mute_feed import MuteFeed, MuteTeller
from streams.runtime import BatchApp, BatchTable, RuntimeConfig, die
from streams.sending.breaker import Breaker, Patience
from streams.sending.channel_watch import ChannelPatience
from streams.sending.clock import SystemClock
from streams.sending.latecomers import Latecomers, by_publisher
from streams.sending.lease import Lease
from streams.sending.log import KafkaStatusLog
from streams.sending.outboxes import Outboxes
from streams.sending.schedule import Schedule
from streams.sending.slots import Slots
from streams.sending.surroundings import Surroundings
from streams.sending.windows import Windows
from streams.talks import Talks

Channels = Callable[[str], Channel | None]


def assemble(
    settings: Settings,
    name: str,
    feed: ConfigurationFeed,
    projector: Projector,
    gateway: GatewayClient,
    still_holds: Preconditions,
    bell: AlarmBell,
    targets: Targets,
    mutes: MuteFeed,
) -> BatchApp:
    """Put the app together; `name` is its own in the group. OperatorError where the settings ask for what cannot be."""
    config = RuntimeConfig(
        connection(settings),
        client_id=name,
        partitions=settings.posto_partitions,
        replication_factor=settings.posto_replication_factor,
        commit_interval=settings.posto_commit_interval_seconds,
        session_timeout=settings.posto_session_timeout_seconds,
        drain=settings.posto_drain_seconds,
        unacked_bytes_per_partition=settings.posto_unacked_bytes_per_partition,
    )
    objects = store(settings)
    app, deliveries = build(
        config, Resources(feed, projector, objects, dedupe_for=timedelta(days=settings.posto_dedupe_days))
    )

    def channels(canonical: str) -> Channel | None:
        return feed.current.channel(canonical)

    add_sender(app, deliveries, _outboxes(settings, app, deliveries, gateway, still_holds, channels, bell, mutes))
    media = app.batch_table(topics.MEDIA_TABLE)
    first_try = timedelta(seconds=settings.posto_media_first_try_seconds)
    add_media(app, media, _fetches(settings, app, media, Fetcher(gateway, objects, channels)), first_try=first_try)
    due, lids = app.batch_table(topics.LOOKUPS_TABLE), app.batch_table(topics.LIDS_TABLE)
    errander = LidErrander(gateway, lids, channels, SystemClock().now)
    add_lookups(app, due, lids, _look_ups(app, due, errander) if settings.posto_lid_lookups else None)
    posts, talks = app.batch_table(topics.POSTS_TABLE), app.batch_table(topics.TALKS_TABLE)
    poster = Poster(
        targets, Talks(talks), mutes, lambda name: feed.current.targets.get(name), _bounds(settings), SystemClock().now
    )
    add_http(app, posts, talks, _posts(settings, app, posts, poster))
    return app


def _outboxes(
    settings: Settings,
    app: BatchApp,
    table: BatchTable,
    gateway: GatewayClient,
    still_holds: Preconditions,
    channels: Channels,
    bell: AlarmBell,
    mutes: MuteFeed,
) -> Outboxes:
    clock, slots = SystemClock(), Slots(settings.posto_send_concurrency)
    gateway_look = GatewayLook(gateway, settings.posto_gateway_probe_timeout_seconds)
    patience = Patience(
        failures=settings.posto_gateway_failures,
        probe_every=settings.posto_gateway_probe_seconds,
        longest_probe_wait=settings.posto_gateway_longest_probe_wait_seconds,
        trials=settings.posto_gateway_trials,
        alarm_ages=settings.posto_gateway_alarm_seconds,
    )
    address = urlsplit(settings.wpp_gateway_base_url).netloc.rpartition("@")[2]
    around = Surroundings(
        log=KafkaStatusLog(connection(settings)),
        table=table,
        carry=GatewayCarrier(gateway),
        still_holds=still_holds,
        channels=channels,
        clock=clock,
        slots=slots,
        schedule=Schedule(
            waits=settings.posto_send_retry_seconds,
            max_attempts=settings.posto_send_max_attempts,
            uncertain_wait=settings.posto_uncertain_wait_seconds,
        ),
        per_channel=settings.posto_send_concurrency_per_channel,
        lease=Lease(settings.posto_session_timeout_seconds / 2, is_member=lambda: app.is_member),
        latecomers=Latecomers(by_publisher(app.publisher), clock),
        windows=Windows(
            echo=settings.posto_echo_window_seconds,
            clock_skew=settings.posto_clock_skew_seconds,
            waiting=settings.posto_uncertain_wait_seconds,
        ),
        breaker=Breaker(address, slots, clock, gateway_look.probe, bell.tell, patience),
        poll=gateway_look.poll,
        tell=bell.tell,
        channel_patience=ChannelPatience(
            poll_every=settings.posto_channel_poll_seconds,
            longest_wait=settings.posto_channel_longest_poll_seconds,
            alarm_ages=settings.posto_channel_alarm_seconds,
        ),
        mute_for=timedelta(seconds=settings.posto_ai_mute_seconds),
        tell_mute=MuteTeller(app.publisher, mutes.hear).tell,
    )
    return Outboxes(around, grace=settings.posto_drain_seconds, fatal=app.stop_or_die)


def _fetches(settings: Settings, app: BatchApp, table: BatchTable, fetcher: Fetcher) -> Errands:
    around = ErrandSurroundings(
        kind="media",
        errander=fetcher,
        table=table,
        publisher=app.publisher,
        clock=SystemClock(),
        slots=Slots(settings.posto_media_concurrency),
        per_channel=settings.posto_media_concurrency_per_channel,
        schedule=ErrandSchedule(settings.posto_media_retry_seconds),
        transient=(StoreUnavailableError,),
    )
    return Errands(around, fatal=die)


def _look_ups(app: BatchApp, table: BatchTable, errander: LidErrander) -> Errands:
    around = ErrandSurroundings(
        kind="lookups",
        errander=errander,
        table=table,
        publisher=app.publisher,
        clock=SystemClock(),
        slots=Slots(lookups.CONCURRENCY),
        per_channel=lookups.CONCURRENCY_PER_CHANNEL,
        schedule=lookups.SCHEDULE,
    )
    return Errands(around, fatal=die)


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        key=settings.posto_target_key.get_secret_value(),
        depth=settings.posto_target_depth,
        most_answers=settings.posto_target_answers,
        within=timedelta(seconds=settings.posto_target_answers_seconds),
        patience=timedelta(seconds=settings.posto_ai_patience_seconds),
    )


def _posts(settings: Settings, app: BatchApp, table: BatchTable, poster: Poster) -> Errands:
    around = ErrandSurroundings(
        kind="http",
        errander=poster,
        table=table,
        publisher=app.publisher,
        clock=SystemClock(),
        slots=Slots(settings.posto_target_concurrency),
        per_channel=settings.posto_target_concurrency_per_target,
        schedule=ErrandSchedule(settings.posto_target_retry_seconds),
    )
    return Errands(around, fatal=die)
