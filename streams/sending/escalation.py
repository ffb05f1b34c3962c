"""Alarms that rise the longer a trouble lasts, and end with it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.alarms import Alarm, AlarmKind


@dataclass(slots=True)
class _Trouble:
    since: datetime
    message: str
    stage: int = 0


class Escalation:
    """Troubles of one kind by their subject. `ages` are the seconds after which each next stage is reached.

    An alarm's time follows from the beginning of its trouble: told again by another owner, it is the same one.
    """

    def __init__(self, kind: AlarmKind, ages: tuple[float, ...], tell: Callable[[Alarm], None]) -> None:
        self._kind = kind
        self._ages = tuple(timedelta(seconds=age) for age in sorted(ages))
        self._tell = tell
        self._troubles: dict[str, _Trouble] = {}
        self._fine: set[str] = set()

    def begin(self, subject: str, since: datetime, message: str) -> None:
        """A trouble began; one that is known goes on, under this message."""
        self._troubles.setdefault(subject, _Trouble(since, message)).message = message

    def end(self, subject: str, now: datetime) -> None:
        """A trouble ended; told where an alarm was raised, or may stand that somebody raised before."""
        trouble = self._troubles.pop(subject, None) or (None if subject in self._fine else _Trouble(now, "", 1))
        self._fine.add(subject)
        if trouble and trouble.stage:
            self._tell(
                Alarm(
                    kind=self._kind, subject=subject, message="It is over.", at=now, stage=trouble.stage, is_over=True
                )
            )

    def check(self, now: datetime) -> datetime | None:
        """Raise what has come of age; when to check next, None for never."""
        for subject, trouble in self._troubles.items():
            reached = sum(trouble.since + age <= now for age in self._ages)
            if reached > trouble.stage:
                trouble.stage = reached
                at = trouble.since + self._ages[reached - 1]
                self._tell(Alarm(kind=self._kind, subject=subject, message=trouble.message, at=at, stage=reached))
        moments = (
            trouble.since + self._ages[trouble.stage]
            for trouble in self._troubles.values()
            if trouble.stage < len(self._ages)
        )
        return min(moments, default=None)
