"""Names of record headers: the CloudEvents Kafka binding, and our own."""

from typing import Final

# CloudEvents 1.0, Kafka protocol binding, binary content mode.
CE_ID: Final = "ce_id"
CE_TYPE: Final = "ce_type"
CE_SOURCE: Final = "ce_source"
CE_TIME: Final = "ce_time"
CE_SPECVERSION: Final = "ce_specversion"

TRACE_ID: Final = "trace_id"
TENANT_ID: Final = "tenant_id"
TRACEPARENT: Final = "traceparent"
REPLAY: Final = "replay"
ORIGIN: Final = "origin"
"""First coordinates of a record that was released from quarantine or redriven, as `topic/partition@offset`."""
REDRIVE: Final = "redrive"
"""Which round of which dead letter a record is, as `stage:topic/partition@offset#round` (`streams.letters`)."""

# raw.webhook and raw.event, written by the edge.
RAW_ID: Final = "raw_id"
RECEIVED_AT: Final = "received_at"
SOURCE: Final = "source"
CONTENT_TYPE: Final = "content-type"

# dead.letter.
STAGE: Final = "stage"
ERROR_CLASS: Final = "error_class"
ERROR_MESSAGE: Final = "error_message"
SOURCE_TOPIC: Final = "source_topic"
SOURCE_PARTITION: Final = "source_partition"
SOURCE_OFFSET: Final = "source_offset"
SOURCE_TIMESTAMP: Final = "source_timestamp"
"""The record's own time, in milliseconds since 1970."""
SOURCE_KEY: Final = "source_key"
"""The record's key; absent where it had none."""
