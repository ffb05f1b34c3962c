"""The way of a webhook to event.accepted, in memory: the normalizer's function, the router's agent and its table."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final

import msgspec

from agents.router import OUTPUTS, build
from schemas.events import Coordinates, Event
from streams import revisions, topics
from streams.normalization import webhooks
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord
from streams.runtime import Batch
from tests.adapters.mysql.log import LogRecord
from tests.adapters.mysql.told import START, Fetched, Told
from tests.agents.consumed import Consumed
from tests.streams.samples_configuration import usual

_RECEIVED_MS: Final = (START + 3_600) * 1000
"""One moment for all, so that what has no time of its own has the same one in any order."""
_OUTCOMES: Final[dict[str, tuple[int, dict[str, Any]]]] = {
    "ready": (revisions.MEDIA_READY, {"state": "ready", "ref": "sha256:" + "ab" * 32, "size": 66_000}),
    "failed": (revisions.MEDIA_FAILED, {"state": "failed", "reason": "not_found"}),
}


class Hub:
    """Takes what the gateway tells, batch by batch, and has a log of what was accepted."""

    def __init__(self) -> None:
        self._told = 0
        self._accepted = 0
        self._rows: dict[bytes, bytes | None] = {}
        self._heard: list[Consumed] = []
        self._route = build(SimpleNamespace(current=usual()), SimpleNamespace(), keep=timedelta(days=30))

    async def hear(self, told: Sequence[Told]) -> list[LogRecord]:
        """The records that follow from one batch; AssertionError where something became a dead letter."""
        self._heard = [
            Consumed(msgspec.json.encode(event), topics.EVENT_NORMALIZED, key=event.stream_key.encode())
            for each in told
            for event in self._normalized(each)
        ]
        return await self.hear_again()

    async def hear_again(self) -> list[LogRecord]:
        """The records that follow where the last batch is delivered once more, as after a crash."""
        table = SimpleNamespace(get=lambda _, key: self._rows.get(key))
        batch = Batch("router", self._heard, dict.fromkeys((*OUTPUTS, topics.DEAD_LETTER), 1), table)  # type: ignore[arg-type]
        await self._route(batch)
        for changes in batch.changes.values():
            self._rows |= changes
        assert not batch.dead, batch.outputs[topics.DEAD_LETTER, 0]
        return [self._record(out.value) for out in batch.outputs[topics.EVENT_ACCEPTED, 0]]

    def _normalized(self, told: Told) -> Iterable[Event]:
        self._told += 1
        raw = RawRecord.of(topics.RAW_WEBHOOK, 0, self._told, _RECEIVED_MS)
        body = told.body if isinstance(told, Fetched) else told
        found = webhooks.normalize(msgspec.json.encode(body), raw)
        events = [] if isinstance(found, Noise) else [each.event for each in found]
        return [_fetched(event, told.state) for event in events] if isinstance(told, Fetched) else events

    def _record(self, value: bytes | None) -> LogRecord:
        self._accepted += 1
        return LogRecord(topics.EVENT_ACCEPTED, 0, self._accepted, _RECEIVED_MS, value)


def _fetched(event: Event, state: str) -> Event:
    """The event as the media agent says it again."""
    revision, outcome = _OUTCOMES[state]
    media = event.payload["media"] | outcome
    raw = Coordinates(topics.COMMAND_MEDIA, event.raw.partition, event.raw.offset)
    return msgspec.structs.replace(event, revision=revision, raw=raw, payload=event.payload | {"media": media})
