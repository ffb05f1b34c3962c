"""Any raw record to its events, by the topic that it lies in."""

from collections.abc import Sequence

from streams import topics
from streams.normalization import events, webhooks
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord
from streams.normalization.webhooks import Normalized


def normalize(topic: str, value: bytes | None, raw: RawRecord) -> Sequence[Normalized] | Noise:
    """Turn the value of a record of `raw.webhook` or `raw.event` into events; NormalizationError where it is none."""
    if topic == topics.RAW_EVENT:
        return (Normalized(events.normalize(value, raw)),)
    return webhooks.normalize(value, raw)
