"""When an AI must be quiet: what a mute means for a question, and the mutes that are known. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from schemas.mutes import Mute, MuteCause

KEPT: Final = timedelta(days=1)
"""How long a mute is remembered after its end: longer than any answer is waited for."""

_LATE: Final = {MuteCause.HUMAN: "human_replied", MuteCause.HANDOFF: "handed_off"}
_MUTED: Final = {MuteCause.HUMAN: "muted_by_human", MuteCause.HANDOFF: "muted_by_handoff"}


def reason(mute: Mute, asked_at: datetime, event_id: str | None, now: datetime) -> str | None:
    """Why a question must not be answered by an AI; None where it may.

    Late is what was asked before people had the word, however long that is ago. The answer that handed over may still
    be told.
    """
    if mute.event_id is not None and mute.event_id == event_id:
        return None
    if mute.since > asked_at:
        return _LATE[mute.cause]
    return _MUTED[mute.cause] if now < mute.until else None


class Mutes:
    """The last mute of each conversation and cause; the oldest go where there are more than `most`."""

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._known: dict[tuple[str, MuteCause], Mute] = {}

    def hear(self, mute: Mute) -> bool:
        """Take a mute; False where it says nothing new."""
        key = mute.conversation_id, mute.cause
        known = self._known.get(key)
        if known is not None and known.since >= mute.since:
            return False
        self._known.pop(key, None)
        self._known[key] = mute
        return True

    def forget(self, now: datetime) -> Iterator[Mute]:
        """Let go what no longer counts, and hand it out."""
        while self._known:
            key, mute = next(iter(self._known.items()))
            if len(self._known) <= self._most and max(mute.until, mute.since) + KEPT > now:
                return
            del self._known[key]
            yield mute

    def reason(
        self, conversations: Iterable[str | None], asked_at: datetime, event_id: str | None, now: datetime
    ) -> str | None:
        """Why an AI must not answer a question of a conversation, by whichever of its names; None where it may."""
        for conversation in conversations:
            for cause in MuteCause:
                mute = self._known.get((conversation or "", cause))
                if mute is not None and (found := reason(mute, asked_at, event_id, now)):
                    return found
        return None
