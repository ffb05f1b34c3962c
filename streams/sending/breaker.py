"""Whether the gateway takes requests at all: while it does not, none is made, so that nothing is used up by it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

import structlog

from schemas.alarms import Alarm, AlarmKind
from streams.sending.clock import Call, Clock
from streams.sending.escalation import Escalation
from streams.sending.inputs import Answer
from streams.sending.slots import Slots
from streams.sending.trouble import REFUSED_LOGIN, Sign, sign_of

log = structlog.get_logger()

_ENOUGH: Final = 8  # signs of life after which the gateway is trusted again

Probe = Callable[[str], Awaitable[Sign]]
"""Asks the gateway for a channel, in its exact spelling, and says what came of that; never raises."""


@dataclass(frozen=True, slots=True)
class Patience:
    """After how many failures in a row the gateway counts as away, and how it is looked after then.

    Every `probe_every` seconds it is asked whether it is back, up to `longest_probe_wait` where it says so and then
    takes no message. `trials` requests are let through first. An alarm rises at the `alarm_ages` in seconds.
    """

    failures: int = 3
    probe_every: float = 2.0
    longest_probe_wait: float = 60.0
    trials: int = 3
    alarm_ages: tuple[float, ...] = (0.0, 300.0, 1800.0)


class _State(Enum):
    CLOSED = "closed"
    OPEN = "open"
    TRIAL = "trial"


class Breaker:
    """The one gateway of a worker, shared by its partitions: opens and shuts the way through its slots.

    Failures that any channel would meet open it; those that may be of one channel's making only where several met them
    in a row. A probe that is answered lets a few requests through, each that is answered two more, and so on: what
    waited does not fall upon the gateway at once.
    """

    def __init__(
        self,
        gateway: str,
        slots: Slots,
        clock: Clock,
        probe: Probe,
        tell: Callable[[Alarm], None],
        patience: Patience | None = None,
    ) -> None:
        """`gateway` is its address, as alarms name it."""
        self._gateway = gateway
        self._slots = slots
        self._clock = clock
        self._probe = probe
        self._patience = patience or Patience()
        self._alarm = Escalation(AlarmKind.GATEWAY_DOWN, self._patience.alarm_ages, tell)
        self._state = _State.CLOSED
        self._is_known_there = False
        self._epoch = 0
        self._met: list[tuple[str, Sign]] = []
        self._channel_id = ""
        self._successes = 0
        self._under_way = 0
        self._wait = self._patience.probe_every
        self._call: Call | None = None
        self._probing: asyncio.Task[None] | None = None
        self._listeners: dict[Callable[[], None], None] = {}

    @property
    def is_open(self) -> bool:
        """Whether the gateway is away: no request is to be made."""
        return self._state is _State.OPEN

    def listen(self, changed: Callable[[], None]) -> None:
        """Call this one whenever the gateway went or came back."""
        self._listeners[changed] = None

    def forget(self, changed: Callable[[], None]) -> None:
        """Call this one no more."""
        self._listeners.pop(changed, None)

    def began(self) -> int:
        """A request is about to be made; what this returns is to be given back with its answer."""
        self._under_way += 1
        return self._epoch

    def spared(self) -> None:
        """Hear that a request that had its slot was not made after all."""
        self._slots.allow(1)

    def ended(self, epoch: int, channel_id: str, answer: Answer | None) -> None:
        """Hear how a request ended; None where nobody waited for it."""
        is_trial = epoch == self._epoch
        if is_trial:
            self._under_way -= 1
        match sign_of(answer):
            case Sign.THERE:
                self._there()
            case Sign.NOTHING if is_trial:
                self._slots.allow(1)
            case Sign.AWAY | Sign.FALTERS as sign:
                self._failed(channel_id, sign, getattr(answer, "reason", ""), is_trial=is_trial)
            case _:
                pass

    def _there(self) -> None:
        self._met.clear()
        if self._state is _State.CLOSED:
            if not self._is_known_there:
                self._is_known_there = True
                self._alarm.end(self._gateway, self._clock.now())
            return
        if self._state is _State.OPEN:
            self._try()
        self._successes += 1
        self._slots.allow(2)
        if self._successes >= _ENOUGH:
            self._close()

    def _failed(self, channel_id: str, sign: Sign, reason: str, *, is_trial: bool) -> None:
        self._met.append((channel_id, sign))
        self._channel_id = channel_id
        del self._met[: -self._patience.failures]
        if self._state is _State.TRIAL and is_trial:
            if sign is Sign.FALTERS and self._successes:  # others were answered: it is this channel's trouble
                self._slots.allow(1)
                return
            self._wait = min(self._wait * 2, self._patience.longest_probe_wait)
            self._open(reason)
        elif self._state is _State.CLOSED and len(self._met) >= self._patience.failures:
            channels = {channel for channel, _ in self._met}
            if len(channels) > 1 or any(each is Sign.AWAY for _, each in self._met):
                self._open(reason)

    def _open(self, reason: str) -> None:
        log.warning("gateway_away", gateway=self._gateway, reason=reason, next_probe_in_seconds=self._wait)
        if self._state is _State.CLOSED:
            self._alarm.begin(self._gateway, self._clock.now(), _message(self._gateway, reason))
        self._state = _State.OPEN
        self._epoch += 1
        self._under_way = 0
        self._slots.only(0)
        self._tick_in(self._wait)
        self._tell()

    def _try(self) -> None:
        log.info("gateway_on_trial", gateway=self._gateway, requests=self._patience.trials)
        self._state = _State.TRIAL
        self._successes = 0
        self._slots.only(self._patience.trials)
        self._tell()

    def _close(self) -> None:
        log.info("gateway_back", gateway=self._gateway)
        self._state = _State.CLOSED
        self._wait = self._patience.probe_every
        self._met.clear()
        if self._call:
            self._call.cancel()
        self._slots.only(None)
        self._alarm.end(self._gateway, self._clock.now())

    def _tick_in(self, wait: float) -> None:
        if self._call:
            self._call.cancel()
        moment = self._clock.now() + timedelta(seconds=wait)
        next_alarm = self._alarm.check(self._clock.now())
        self._call = self._clock.call_at(min(moment, next_alarm or moment), lambda: self._tick(moment))

    def _tick(self, moment: datetime) -> None:
        self._alarm.check(self._clock.now())
        if self._clock.now() < moment:  # it was an alarm's turn; or the clock was set back, perhaps by hours
            remaining = (moment - self._clock.now()).total_seconds()
            self._tick_in(min(remaining, self._patience.longest_probe_wait))
        elif self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._ask(), name="gateway probe")

    async def _ask(self) -> None:
        sign = await self._probe(self._channel_id)
        if self._state is _State.OPEN and sign is Sign.THERE:
            self._try()
        elif self._state is _State.TRIAL and sign is Sign.THERE:
            self._slots.allow(1)  # one that was let through may never have been made
            self._successes += not self._under_way
            if self._successes >= _ENOUGH:
                self._close()
        elif self._state is _State.TRIAL and sign is not Sign.NOTHING:
            self._open("probe")
        if self._state is not _State.CLOSED:
            self._tick_in(self._patience.probe_every)

    def _tell(self) -> None:
        for changed in list(self._listeners):
            changed()


def _message(gateway: str, reason: str) -> str:
    if reason in REFUSED_LOGIN:
        whose = "WPP_GATEWAY_SECRET" if reason == "gateway_refused_secret" else "the login of the proxy in front of it"
        return f"The gateway {gateway} refuses us ({reason}): check {whose}. Nothing is sent until it takes requests."
    return f"The gateway {gateway} takes no requests ({reason}). Nothing is sent until it does; nothing is lost."
