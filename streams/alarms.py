"""The alarms that stand: what was raised and has not ended, and what has to be said so that the log says it."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from schemas.alarms import Alarm, AlarmKind


class Standing(NamedTuple):
    """An alarm as it was last said, and when it began."""

    alarm: Alarm
    since: datetime


class Alarms:
    """A fold over `ops.alarm`: of each kind and subject the last word counts."""

    def __init__(self) -> None:
        self._standing: dict[tuple[AlarmKind, str], Standing] = {}

    def learn(self, alarm: Alarm) -> None:
        """Take the next word of the log."""
        key = alarm.kind, alarm.subject
        if alarm.is_over:
            self._standing.pop(key, None)
        else:
            known = self._standing.get(key)
            self._standing[key] = Standing(alarm, known.since if known else alarm.at)

    def standing(self) -> list[Standing]:
        """What stands, the longest standing first."""
        return sorted(self._standing.values(), key=lambda one: (one.since, one.alarm.kind, one.alarm.subject))

    def changes(self, wanted: Iterable[Alarm], kinds: Collection[AlarmKind], at: datetime) -> list[Alarm]:
        """What to say so that of these kinds exactly `wanted` stand: nothing of what stands already.

        An alarm with another message or stage is said again; one that is not wanted any more has ended, `at` now.
        """
        todo = {(alarm.kind, alarm.subject): alarm for alarm in wanted}
        over = [
            msgspec.structs.replace(one.alarm, at=at, is_over=True)
            for key, one in self._standing.items()
            if one.alarm.kind in kinds and key not in todo
        ]
        return [alarm for key, alarm in todo.items() if not self._stands(key, alarm)] + over

    def is_news(self, alarm: Alarm) -> bool:
        """Whether saying an alarm, or its end, changes what stands; one of a lower stage than stands does not."""
        known = self._standing.get((alarm.kind, alarm.subject))
        if alarm.is_over:
            return known is not None
        return known is None or alarm.stage > known.alarm.stage or alarm.message != known.alarm.message

    def _stands(self, key: tuple[AlarmKind, str], alarm: Alarm) -> bool:
        known = self._standing.get(key)
        return known is not None and (known.alarm.message, known.alarm.stage) == (alarm.message, alarm.stage)
