"""Makes Kafka's topics what `streams/topics.py` declares, and says where they are not."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from infra.errors import OperatorError
from infra.kafka import connection, started
from infra.settings import Settings
from streams.topics import BY_NAME, TOPICS, Topic

_SET_ON_TOPIC: Final = 1  # config_source of what was set on the topic itself, in Kafka's protocol
_VISIBLE_SECONDS: Final = 30.0
_INTERVAL: Final = 0.05


class TopicsError(OperatorError):
    """The topics cannot be made what they must be."""


@dataclass(frozen=True)
class Change:
    """What was done to a topic: `created`, or `configured` with the settings that were changed."""

    topic: str
    kind: str
    detail: str


@dataclass(frozen=True)
class State:
    """A topic as it is; `config` is what was set on it."""

    partitions: int
    replication: int
    config: dict[str, str]


@dataclass(frozen=True)
class Listed:
    """A declared topic as it is, without partitions where it does not exist, and what is wrong with it."""

    topic: str
    partitions: int
    replicas: int
    config: dict[str, str]
    problems: list[str]


async def apply_topics(settings: Settings) -> list[Change]:
    """Create and configure the topics, waiting for Kafka where it is away; what was done.

    TopicsError where a topic has another partition count than it must: keys would move to other partitions, away from
    the table entries and the order that they have, so nothing is changed then.
    """
    async with _admin(settings) as admin:
        present = await _states(admin)
        if refused := [problem for topic in TOPICS for problem in _count_problems(topic, present, settings)]:
            raise TopicsError(" ".join([*refused, _MEND_COUNT]))
        missing = [topic for topic in TOPICS if topic.name not in present]
        await _create(admin, missing, settings)
        changes = [Change(topic.name, "created", _shape(topic, settings)) for topic in missing]
        changes += await _configure(admin, present, settings)
        if changes:
            await _visible(admin, settings)
        return changes


async def list_topics(settings: Settings) -> list[Listed]:
    """Every declared topic as it is; waits for Kafka where it is away."""
    async with _admin(settings) as admin:
        present = await _states(admin)
    return [_listed(topic, present, settings) for topic in TOPICS]


async def check_topics(settings: Settings) -> list[str]:
    """What is wrong with the topics, changelogs included, each as a sentence; waits for Kafka where it is away."""
    return [problem for listed in await list_topics(settings) for problem in listed.problems]


def _listed(topic: Topic, present: dict[str, State], settings: Settings) -> Listed:
    state = present.get(topic.name) or State(0, 0, {})
    return Listed(
        topic=topic.name,
        partitions=state.partitions,
        replicas=state.replication,
        config=state.config,
        problems=list(_problems(topic, present, settings)),
    )


def _problems(topic: Topic, present: dict[str, State], settings: Settings) -> Iterable[str]:
    state = present.get(topic.name)
    if state is None:
        yield f"Topic {topic.name} does not exist: run `posto topics apply`."
        return
    yield from _count_problems(topic, present, settings)
    if state.replication < settings.posto_replication_factor:
        yield (
            f"Topic {topic.name} has {state.replication} replicas, POSTO_REPLICATION_FACTOR is "
            f"{settings.posto_replication_factor}: move it with kafka-reassign-partitions."
        )
    if _differing(topic, state, settings):
        yield f"Topic {topic.name} is configured in another way than declared: run `posto topics apply`."


def _count_problems(topic: Topic, present: dict[str, State], settings: Settings) -> Iterable[str]:
    state = present.get(topic.name)
    wanted = topic.partition_count(settings.posto_partitions)
    if state is not None and state.partitions != wanted:
        yield f"Topic {topic.name} has {state.partitions} partitions and must have {wanted}."


_MEND_COUNT: Final = (
    "The partition count of existing topics cannot be changed, since keys would move: set POSTO_PARTITIONS to what the "
    "topics have, or start with an empty Kafka."
)


def _differing(topic: Topic, state: State, settings: Settings) -> dict[str, str]:
    wanted = topic.config(settings.posto_min_insync_replicas, settings.posto_dedupe_days)
    return {name: value for name, value in wanted.items() if state.config.get(name) != value}


def _shape(topic: Topic, settings: Settings) -> str:
    count = topic.partition_count(settings.posto_partitions)
    return f"{count} partitions, {settings.posto_replication_factor} replicas"


async def _create(admin: Any, topics: list[Topic], settings: Settings) -> None:
    if not topics:
        return
    response = await admin.create_topics(
        [
            NewTopic(
                topic.name,
                topic.partition_count(settings.posto_partitions),
                settings.posto_replication_factor,
                topic_configs=topic.config(settings.posto_min_insync_replicas, settings.posto_dedupe_days),
            )
            for topic in topics
        ]
    )
    for name, code, message in response.topic_errors:
        if code not in {0, TopicAlreadyExistsError.errno}:
            raise TopicsError(f"Topic {name} could not be created: {message or for_code(code).__name__}.")


async def _configure(admin: Any, present: dict[str, State], settings: Settings) -> list[Change]:
    """Change what differs. Kafka replaces all settings of a topic, so what others have set is sent again."""
    differing = {
        topic.name: changed
        for topic in TOPICS
        if topic.name in present and (changed := _differing(topic, present[topic.name], settings))
    }
    if not differing:
        return []
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, present[name].config | changed)
        for name, changed in differing.items()
    ]
    for response in await admin.alter_configs(resources):
        for code, message, _, name in response.resources:
            if code:
                raise TopicsError(f"Topic {name} could not be configured: {message or for_code(code).__name__}.")
    return [
        Change(name, "configured", ", ".join(f"{setting}={value}" for setting, value in changed.items()))
        for name, changed in differing.items()
    ]


async def _visible(admin: Any, settings: Settings) -> None:
    """Wait until the broker shows what its controller has accepted."""
    try:
        async with asyncio.timeout(_VISIBLE_SECONDS):
            while True:
                present = await _states(admin)
                if all(t.name in present and not _differing(t, present[t.name], settings) for t in TOPICS):
                    return
                await asyncio.sleep(_INTERVAL)
    except TimeoutError:
        raise TopicsError(f"Kafka does not show the changed topics after {_VISIBLE_SECONDS:g} seconds.") from None


async def _states(admin: Any) -> dict[str, State]:
    described = [topic for topic in await admin.describe_topics() if topic["topic"] in BY_NAME and _is_ready(topic)]
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic["topic"]) for topic in described]
    configs: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources) if resources else ():
        for _, _, _, name, entries in response.resources:
            configs[name] = {entry[0]: entry[1] for entry in entries if entry[3] == _SET_ON_TOPIC}
    return {
        topic["topic"]: State(
            partitions=len(topic["partitions"]),
            replication=min(len(partition["replicas"]) for partition in topic["partitions"]),
            config=configs.get(topic["topic"], {}),
        )
        for topic in described
    }


def _is_ready(topic: dict[str, Any]) -> bool:
    return topic["error_code"] == 0 and all(partition["leader"] >= 0 for partition in topic["partitions"])


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[Any]:
    admin = await started(lambda: AIOKafkaAdminClient(**connection(settings)))
    try:
        yield admin
    finally:
        await admin.close()
