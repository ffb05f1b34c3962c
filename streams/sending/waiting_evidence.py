"""Evidence that came before anybody knew whose it is: kept for a while, in case its command gets to know its id."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from schemas.deliveries import AckStatus, Evidence
from schemas.events import Coordinates

_MOST: Final = 10_000

Message = tuple[str | None, str]
"""A message by channel (None: not said) and message key."""


class WaitingEvidence:
    """Acks of unknown messages, bounded in number and by `window` seconds of the evidence's own time.

    An ack that comes again takes no more room. What is forgotten is the oldest.
    """

    def __init__(self, window: float, most: int = _MOST) -> None:
        self._window = timedelta(seconds=window)
        self._most = most
        self._kept: dict[tuple[Message, AckStatus], tuple[Evidence, Coordinates]] = {}
        self._acks: dict[Message, set[AckStatus]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, evidence: Evidence, where: Coordinates) -> None:
        """Keep an ack that names a message."""
        if evidence.message_key is None or evidence.ack is None:
            return
        message = (evidence.channel, evidence.message_key)
        self._forget_before(evidence.received_at - self._window)
        if (message, evidence.ack) not in self._kept:
            self._kept[message, evidence.ack] = (evidence, where)
            self._acks.setdefault(message, set()).add(evidence.ack)
        if len(self._kept) > self._most:
            self._drop(*next(iter(self._kept)))

    def claim(self, channel: str, message_key: str) -> Iterator[tuple[Evidence, Coordinates]]:
        """Hand out what was kept of a message, once; acks that name no channel count for any."""
        for message in ((channel, message_key), (None, message_key)):
            for ack in sorted(self._acks.get(message, ())):
                yield self._drop(message, ack)

    def _forget_before(self, oldest: datetime) -> None:
        while self._kept:
            (message, ack), (evidence, _) = next(iter(self._kept.items()))
            if evidence.received_at >= oldest:
                return
            self._drop(message, ack)

    def _drop(self, message: Message, ack: AckStatus) -> tuple[Evidence, Coordinates]:
        acks = self._acks[message]
        acks.discard(ack)
        if not acks:
            del self._acks[message]
        return self._kept.pop((message, ack))
