import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from infra.commands.topics import app
from infra.settings import Settings, load
from infra.topics import TopicsError, apply_topics, check_topics, list_topics
from streams import topics
from tests.support.topics import administering, delete
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
async def settings(hub_kafka: str) -> AsyncIterator[Settings]:
    """Settings for a broker that has none of the hub's topics."""
    yield load(_env_file=None, kafka_bootstrap_servers=hub_kafka, posto_partitions=3)
    await delete(hub_kafka, topics.BY_NAME)


async def _problems_are(settings: Settings, problems: list[str]) -> bool:
    return await check_topics(settings) == problems


async def _exist(settings: Settings, *names: str) -> bool:
    return set(names) <= {listed.topic for listed in await list_topics(settings) if listed.partitions}


async def test_every_topic_is_made_as_declared(settings: Settings) -> None:
    changes = await apply_topics(settings)
    assert {(change.topic, change.kind) for change in changes} == {(name, "created") for name in topics.BY_NAME}
    for listed in await list_topics(settings):
        declared = topics.BY_NAME[listed.topic]
        assert listed.partitions == (3 if declared.keyed else 1)
        assert listed.replicas == 1
        assert listed.config == declared.config(1)
        assert listed.problems == []


async def test_applying_again_changes_nothing(settings: Settings) -> None:
    await apply_topics(settings)
    assert await apply_topics(settings) == []
    assert await check_topics(settings) == []


async def test_what_differs_is_configured_and_what_others_have_set_stays(settings: Settings) -> None:
    await apply_topics(settings)
    async with administering(settings.kafka_bootstrap_servers) as admin:
        own = {"retention.ms": "1000", "segment.ms": "60000"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topics.RAW_EVENT, own)])
    differs = ["Topic raw.event is configured in another way than declared: run `posto topics apply`."]
    await eventually(partial(_problems_are, settings, differs))
    changes = await apply_topics(settings)
    assert [(change.topic, change.kind) for change in changes] == [(topics.RAW_EVENT, "configured")]
    assert "retention.ms=31536000000" in changes[0].detail
    raw_event = next(listed for listed in await list_topics(settings) if listed.topic == topics.RAW_EVENT)
    assert raw_event.config == {**topics.BY_NAME[topics.RAW_EVENT].config(1), "segment.ms": "60000"}


async def test_a_topic_that_is_missing_is_made_and_the_others_stay(settings: Settings) -> None:
    await apply_topics(settings)
    await delete(settings.kafka_bootstrap_servers, [topics.DEAD_LETTER])
    assert await check_topics(settings) == ["Topic dead.letter does not exist: run `posto topics apply`."]
    assert [change.topic for change in await apply_topics(settings)] == [topics.DEAD_LETTER]


async def test_a_change_of_the_partition_count_is_refused_and_nothing_is_changed(settings: Settings) -> None:
    changelog = topics.changelog(topics.SEEN_TABLE)
    async with administering(settings.kafka_bootstrap_servers) as admin:
        await admin.create_topics([NewTopic(topics.EVENT_NORMALIZED, 2, 1), NewTopic(changelog, 5, 1)])
    await eventually(partial(_exist, settings, topics.EVENT_NORMALIZED, changelog))
    with pytest.raises(TopicsError) as failure:
        await apply_topics(settings)
    assert str(failure.value).startswith(
        "Topic event.normalized has 2 partitions and must have 3. "
        "Topic posto-seen-changelog has 5 partitions and must have 3. The partition count of existing topics cannot"
    )
    assert "set POSTO_PARTITIONS" in str(failure.value)
    assert {listed.topic for listed in await list_topics(settings) if listed.partitions} == {
        topics.EVENT_NORMALIZED,
        changelog,
    }
    assert f"Topic {changelog} has 5 partitions and must have 3." in await check_topics(settings)


async def test_more_replicas_than_brokers_are_refused_with_the_topic_named(settings: Settings) -> None:
    with pytest.raises(TopicsError, match="could not be created"):
        await apply_topics(settings.model_copy(update={"posto_replication_factor": 3}))


async def test_too_few_replicas_are_a_problem(settings: Settings) -> None:
    await apply_topics(settings)
    problems = await check_topics(settings.model_copy(update={"posto_replication_factor": 3}))
    assert len(problems) == len(topics.TOPICS)
    assert "1 replicas, POSTO_REPLICATION_FACTOR is 3" in problems[0]


async def test_the_command_applies_and_lists(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", settings.kafka_bootstrap_servers)
    monkeypatch.setenv("POSTO_PARTITIONS", "3")

    async def posto_topics(*arguments: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, app, arguments)

    assert (await posto_topics("list")).exit_code == 1
    applied = await posto_topics("apply", "--json")
    assert len(json.loads(applied.stdout)) == len(topics.TOPICS)
    assert "All topics are as they should be." in (await posto_topics("apply")).stdout
    listed = await posto_topics("list")
    assert listed.exit_code == 0
    assert "raw.event                           3        1  delete         365 days" in listed.stdout
    as_json = json.loads((await posto_topics("list", "--json")).stdout)
    assert [topic["problems"] for topic in as_json] == [[]] * len(topics.TOPICS)
