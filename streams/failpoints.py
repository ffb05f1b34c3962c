"""Named places between two durable steps, at which the tests let a process die, stop or fail; off unless armed.

`POSTO_FAILPOINTS` arms them for one process, as `name=action@nth;...`. `POSTO_FAILPOINTS_LOG` names a file that gets a
line for the first time that a place is reached, and for each action. `name[who]` is the same place in one stage alone.

| action | at the nth time (the first, if not said) |
|---|---|
| `kill` | the process is gone, as after kill -9 |
| `pause:9` | the whole process stands still for nine seconds, as after SIGSTOP and SIGCONT |
| `stall:9` | the thread that is here stands still; the others, and with them the heartbeats, go on |
| `error` | FailpointError |
"""

import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

_ARMED: "_Armed | None" = None

_SPELLING: Final = re.compile(
    r"(?P<place>[a-z_.]+(\[\w+\])?)=(?P<action>kill|error|pause|stall)(:(?P<seconds>[\d.]+))?(@(?P<nth>\d+))?"
)


class FailpointError(Exception):
    """A failpoint was armed to fail here."""


def reach(name: str, who: str = "") -> None:
    """Say that this place is reached; does something only where a test has armed it."""
    if _ARMED is not None:
        _ARMED.reach(name, who)


def arm(environ: Mapping[str, str]) -> None:
    """Arm what an environment asks for; ValueError for what it does not spell as it must."""
    global _ARMED  # one test of it is all that a place costs while nothing is armed
    asked, log = environ.get("POSTO_FAILPOINTS", ""), environ.get("POSTO_FAILPOINTS_LOG", "")
    _ARMED = _Armed([_read(part) for part in asked.split(";") if part], log) if asked or log else None


class _Point(NamedTuple):
    place: str
    action: str
    seconds: float
    nth: int


class _Armed:
    def __init__(self, points: list[_Point], log: str) -> None:
        self._points = points
        self._log = log
        self._reached: Counter[str] = Counter()

    def reach(self, name: str, who: str) -> None:
        places = (name, f"{name}[{who}]") if who else (name,)
        for place in places:
            self._reached[place] += 1
            if self._reached[place] == 1:
                self._note("reached", place)
        for point in self._points:
            if point.place in places and self._reached[point.place] == point.nth:
                self._note(point.action, point.place)
                _act(point)

    def _note(self, what: str, place: str) -> None:
        """Append one line; it is there whatever happens to the process next."""
        if not self._log:
            return
        descriptor = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{what} {place} {os.getpid()} {time.time():.3f}\n".encode())
        finally:
            os.close(descriptor)


def _read(part: str) -> _Point:
    found = _SPELLING.fullmatch(part.strip())
    if found is None:
        raise ValueError(
            f"POSTO_FAILPOINTS: {part!r} is no name=kill, =error, =pause:seconds or =stall:seconds, with @nth"
        )
    return _Point(found["place"], found["action"], float(found["seconds"] or 0), int(found["nth"] or 1))


def _act(point: _Point) -> None:
    match point.action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "pause":
            waker = f'sleep "$0"; kill -CONT {os.getpid()}'
            subprocess.Popen(["/bin/sh", "-c", waker, str(point.seconds)], start_new_session=True)  # noqa: S603
            os.kill(os.getpid(), signal.SIGSTOP)
        case "stall":
            time.sleep(point.seconds)
        case _:
            raise FailpointError(point.place)
