"""What the runtime has to know, and what Faust is told of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import faust

from streams import topics
from streams.runtime import recovery
from streams.runtime.assignor import WholeAssignor
from streams.runtime.consumer import ABANDON_AFTER
from streams.runtime.owners import LAST_WRITES

_BATCH_BYTES = 262_144  # a producer batch; must stay below the smallest max.message.bytes
_FETCH_BYTES = 1_048_576  # per partition and fetch; a larger record comes alone
_REQUEST_BYTES = 20_000_000  # above the largest record of any topic
_BUFFERED_MESSAGES = 65_536  # Faust's own limit, which stops all topics: never reached before the byte limit


@dataclass(frozen=True)
class RuntimeConfig:
    """What the runtime has to know.

    `connection`: keyword arguments that every aiokafka client takes, `bootstrap_servers` among them. `client_id` is the
    name of this process in the consumer group. Times in seconds;
    `drain` is what a hand-over waits for requests that are under way.
    """

    connection: Mapping[str, Any]
    app_id: str = topics.APP_ID
    client_id: str = topics.APP_ID
    partitions: int = 8
    replication_factor: int = 1
    commit_interval: float = 0.5
    session_timeout: float = 10.0
    drain: float = 10.0
    unacked_bytes_per_partition: int = 4_194_304

    @property
    def hand_over(self) -> float:
        """The longest that a hand-over takes: the batches in hand, the requests under way, the last writes."""
        return ABANDON_AFTER + self.drain + LAST_WRITES


def _credentials(connection: Mapping[str, Any]) -> Any:
    """Faust's form of the credentials that aiokafka takes as keyword arguments."""
    protocol = connection.get("security_protocol", "PLAINTEXT")
    if protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=connection["sasl_plain_username"],
            password=connection["sasl_plain_password"],
            mechanism=connection["sasl_mechanism"],
            ssl_context=connection.get("ssl_context"),
        )
    return faust.SSLCredentials(connection["ssl_context"]) if protocol == "SSL" else None


def faust_options(config: RuntimeConfig) -> dict[str, Any]:
    """The settings of a Faust app on the batch transport."""
    rebalance = max(60.0, config.hand_over + 20.0)  # who has not handed over by then is out of the group
    servers: str = config.connection["bootstrap_servers"]
    return {
        "broker": ";".join(f"kafka://{address.strip()}" for address in servers.split(",")),
        "broker_client_id": config.client_id,
        "broker_credentials": _credentials(config.connection),
        "store": "memory://",
        "topic_partitions": config.partitions,
        "topic_replication_factor": config.replication_factor,
        "topic_allow_declare": False,  # topics are declared in streams/topics.py and made by `posto topics apply`
        "topic_disable_leader": True,
        "PartitionAssignor": WholeAssignor,
        "TableManager": recovery.GenerationTables,
        "stream_buffer_maxsize": _BUFFERED_MESSAGES,
        "stream_recovery_delay": 0,
        "stream_wait_empty": True,
        "table_standby_replicas": 0,
        "broker_commit_interval": config.commit_interval,
        "broker_session_timeout": config.session_timeout,
        "broker_heartbeat_interval": config.session_timeout / 3,
        "broker_rebalance_timeout": rebalance,
        "broker_request_timeout": max(rebalance + 10.0, config.session_timeout * 2),
        "consumer_max_fetch_size": _FETCH_BYTES,
        "consumer_auto_offset_reset": "earliest",
        "producer_acks": -1,
        "producer_linger": 0,
        "producer_max_batch_size": _BATCH_BYTES,
        "producer_max_request_size": _REQUEST_BYTES,
        "producer_request_timeout": 30.0,
        "worker_redirect_stdouts": False,
        "web_enabled": False,
    }
