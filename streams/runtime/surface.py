"""The names of Faust, mode and aiokafka that the runtime relies on, checked before anything starts."""

from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

from streams.runtime.errors import SurfaceError

TESTED: Final = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}
"""The versions that these names were read in."""

RELIED_ON: Final = (
    "faust:App",
    "faust:Schema.compile",
    "faust:Table.apply_changelog_batch",
    "faust:Table.on_changelog_event",
    "faust:Table.on_recovery_completed",
    "faust:Table.persisted_offset",
    "faust.app.base:App._new_transport",
    "faust.app.base:App._new_producer",
    "faust.app.base:App._new_producer_transport",
    "faust.app.base:BootStrategy.kafka_producer",
    "faust.app.base:App.consumer_generation_id",
    "faust.app.base:App.rebalancing",
    "faust.app.base:App.timer",
    "faust.app.base:App._create_directories",
    "faust.app.base:App._stop_consumer",
    "faust.app.base:App.BootStrategy",
    "faust.transport.drivers.aiokafka:Consumer._getmany",
    "faust.transport.drivers.aiokafka:Consumer.getmany",
    "faust.transport.drivers.aiokafka:Consumer._drain_messages",
    "faust.transport.drivers.aiokafka:Consumer.consumer_stopped_errors",
    "faust.transport.drivers.aiokafka:Consumer.wait_first",
    "faust.transport.drivers.aiokafka:Consumer._new_offset",
    "faust.transport.drivers.aiokafka:Consumer._add_gap",
    "faust.transport.drivers.aiokafka:Consumer._commit",
    "faust.transport.drivers.aiokafka:Consumer.ack",
    "faust.transport.drivers.aiokafka:Consumer.perform_seek",
    "faust.transport.drivers.aiokafka:Consumer.seek_to_committed",
    "faust.transport.drivers.aiokafka:Consumer.verify_event_path",
    "faust.transport.drivers.aiokafka:Consumer.wait_empty",
    "faust.transport.drivers.aiokafka:Consumer.on_partitions_revoked",
    "faust.transport.drivers.aiokafka:Consumer.track_message",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread.call_thread",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._fetch_records",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._ensure_consumer",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread.seek_to_beginning",
    "faust.transport.drivers.aiokafka:Producer._settings_extra",
    "faust.transport.drivers.aiokafka:Producer._ensure_producer",
    "faust.transport.drivers.aiokafka:Transport.Consumer",
    "faust.transport.drivers.aiokafka:Transport.Producer",
    "faust.transport.conductor:Conductor.acks_enabled_for",
    "faust.assignor:PartitionAssignor.assign",
    "faust.tables.recovery:Recovery.on_recovery_completed",
    "faust.tables.recovery:Recovery._resume_streams",
    "faust.tables.manager:TableManager.recovery",
    "faust.app.base:App.on_rebalance_start",
    "faust.app.base:App.on_rebalance_end",
    "faust.tables.recovery:Recovery._add",
    "faust.tables.manager:TableManager.changelog_topics",
    "faust.types.tuples:ConsumerMessage.incref",
    "aiokafka.consumer.subscription_state:SubscriptionState.subscription",
    "aiokafka.consumer.subscription_state:Subscription.assignment",
    "aiokafka.consumer.subscription_state:Assignment.state_value",
    "aiokafka.consumer.subscription_state:TopicPartitionState.has_valid_position",
    "aiokafka.consumer.subscription_state:TopicPartitionState.position",
    "aiokafka:AIOKafkaConsumer.committed",
    "aiokafka:AIOKafkaConsumer.pause",
    "aiokafka:AIOKafkaConsumer.paused",
    "aiokafka:AIOKafkaConsumer.resume",
    "aiokafka:AIOKafkaProducer.create_batch",
    "aiokafka:AIOKafkaProducer.send_batch",
    "aiokafka:AIOKafkaProducer.partitions_for",
    "aiokafka.producer.sender:Sender.sender_task",
    "aiokafka.producer.transaction_manager:TransactionManager.wait_for_transaction_end",
)

SET_BY_INIT: Final = (
    ("faust.transport.consumer", "_acked"),
    ("faust.transport.consumer", "_acked_index"),
    ("faust.transport.consumer", "_read_offset"),
    ("faust.transport.consumer", "_committed_offset"),
    ("faust.transport.consumer", "_unacked_messages"),
)
"""Attributes that exist on instances only; they are annotated on `Consumer`."""

COMPILED: Final = (
    ("faust.streams", "_CStreamIterator"),  # the pure-Python path commits stale skipped events
    ("faust.transport.conductor", "ConductorHandler"),
    ("aiokafka.record._crecords", "DefaultRecordBatchBuilder"),
)


def check(names: Iterable[str] = RELIED_ON) -> None:
    """Raise SurfaceError, naming it, for the first name that is gone or was not compiled."""
    for name in names:
        module_name, _, path = name.partition(":")
        found: object = _module(module_name)
        for part in path.split("."):
            if not hasattr(found, part):
                raise SurfaceError(f"{name.replace(':', '.')} is gone: {_versions()}")
            found = getattr(found, part)
    for module_name, attribute in SET_BY_INIT:
        if attribute not in _module(module_name).Consumer.__annotations__:
            raise SurfaceError(f"{module_name}.Consumer.{attribute} is gone: {_versions()}")
    for module_name, attribute in COMPILED:
        if getattr(_module(module_name), attribute, None) is None:
            raise SurfaceError(f"{module_name}.{attribute} is not compiled on this machine: {_versions()}")


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise SurfaceError(f"{name} is gone: {_versions()}") from None


def _versions() -> str:
    found = {package: version(package) for package in TESTED}
    installed = ", ".join(f"{package} {number}" for package, number in found.items())
    tested = ", ".join(f"{package} {number}" for package, number in TESTED.items())
    return f"the batch runtime was built on {tested}; installed are {installed}"
