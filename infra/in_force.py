"""The configuration in force, read once, as the workers read it; and beside it what MySQL says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from aiokafka.errors import UnknownTopicOrPartitionError

from adapters.mysql.authored import read_authored
from adapters.mysql.errors import DatabaseError
from adapters.mysql.pool import Database
from infra.configuration import Publisher
from infra.database import database
from infra.errors import OperatorError, UnknownError
from infra.kafka import connection, started
from infra.patience import kafka_of, mysql_of, patiently
from infra.settings import Settings
from streams import topics
from streams.configuration import ENTRIES, Configuration, Key, Published
from streams.configuration_log import ConfigurationLog
from streams.publication import Authored, plan
from streams.standing import Standing, standings

log = structlog.get_logger()


async def read_in_force(settings: Settings, wait: float) -> Published:
    """What `config.*` says; OperatorError where Kafka does not answer in time, or nothing complete was published."""
    published = await patiently(read_published(settings), wait, kafka_of(settings))
    if not published.is_complete:
        raise OperatorError(
            "No complete configuration was published yet, and workers decide nothing before: `posto publish` does it, "
            "once routing_rules has a row that makes sense."
        )
    return published


async def read_published(settings: Settings) -> Published:
    """What `config.*` says, however little that is; OperatorError where its topics are missing."""
    try:
        topics_of_it: ConfigurationLog = await started(
            lambda: ConfigurationLog(connection(settings), ENTRIES), fatal=(UnknownTopicOrPartitionError,)
        )
    except UnknownTopicOrPartitionError as error:
        raise OperatorError(f"Kafka has {error.args[0]}: run `posto topics apply`.") from None
    try:
        await topics_of_it.read_to_end()
        return topics_of_it.published
    finally:
        await topics_of_it.stop()


async def authored_in(settings: Settings) -> Authored:
    """What MySQL says; raises DatabaseError where it cannot be asked at once."""
    db = database(settings, connections=1)
    try:
        return await read_authored_of(db)
    finally:
        await db.close()


async def read_authored_of(db: Database) -> Authored:
    """The same, of a database that is open."""
    async with db.session() as session:
        return await read_authored(session)


async def standing_of(db: Database, publisher: Publisher, key: Key) -> tuple[Standing, Mapping[str, int]]:
    """How one entry stands, and where the topics end; UnknownError where there is none. Raises KafkaError."""
    authored = await read_authored_of(db)
    published = await publisher.published()
    for found in standings(key.topic, published, authored):
        if found.id == key.id:
            return found, publisher.positions
    raise UnknownError(f"There is no {_KINDS[key.topic]} {key.id!r}.")


async def read_standings(settings: Settings, topic: str, published: Published, wait: float) -> list[Standing]:
    """How each entry of a topic stands; where MySQL does not answer, what is in force alone, and a warning."""
    try:
        authored = await patiently(authored_in(settings), wait, mysql_of(settings))
    except (DatabaseError, OperatorError) as error:
        log.warning("authored_configuration_not_readable", error=str(error), hint="only what is in force is shown")
        authored = None
    return standings(topic, published, authored)


@dataclass(frozen=True)
class Differences:
    """What MySQL says against what is in force: faults by their subject, tables that vanished, how much is pending."""

    faults: Mapping[str, str]
    vanished: tuple[str, ...]
    pending: int


def differences(authored: Authored, published: Published) -> Differences:
    """What is not well, and what would be published next."""
    todo = plan(authored, published)
    refused = {str(key): reason for key, reason in todo.faults.items()}
    said = {f"{_KINDS.get(key.topic)} {key.id}" for key in todo.faults}
    others = {what: reason for what, reason in Configuration(published).faults.items() if what not in said}
    return Differences(refused | others, todo.vanished, len(todo.publications))


_KINDS: Final = {topics.CONFIG_RULE: "rule", topics.CONFIG_TEMPLATE: "template", topics.CONFIG_TARGET: "target"}
"""As the subjects of the faults of a configuration in force name them."""
