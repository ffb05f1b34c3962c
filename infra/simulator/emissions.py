"""Which webhooks follow a message, and when: the plan, without the posting."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from infra.simulator.config import AckWord, SimulatorConfig
from infra.simulator.envelopes import ack_envelope, flat_ack, message_envelope
from infra.simulator.faults import Fault, FaultKind
from infra.simulator.state import Message, SimulatedChannel


@dataclass(frozen=True, slots=True)
class Emission:
    """One webhook, `after` seconds from the answer of the call that caused it."""

    after: float
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """The webhooks of one message: those that must arrive before the answer, and the rest in order of time."""

    before_answer: tuple[Emission, ...]
    after_answer: tuple[Emission, ...]


def plan_sent(message: Message, channel: SimulatedChannel, config: SimulatorConfig, faults: Sequence[Fault]) -> Plan:
    """The echo and the acks of a message that the hub sent."""
    kinds = {fault.kind for fault in faults}
    echo: tuple[Emission, ...] = ()
    if config.emit_echo and FaultKind.NO_ECHO not in kinds:
        echo = tuple(_shown(message, channel, config.echo_delay_seconds, faults))
    acks = tuple(_acks(message, channel, config, faults))
    if FaultKind.ECHO_FIRST in kinds:
        return Plan(echo, acks)
    return Plan((), tuple(sorted((*echo, *acks), key=lambda emission: emission.after)))


def plan_received(message: Message, channel: SimulatedChannel, faults: Sequence[Fault]) -> tuple[Emission, ...]:
    """The emissions of a message of a contact, or of one typed on the phone."""
    return tuple(_shown(message, channel, 0.0, faults))


def _shown(message: Message, channel: SimulatedChannel, after: float, faults: Sequence[Fault]) -> Iterator[Emission]:
    """The message itself; after an empty shell it comes twice."""
    is_shell_first = any(fault.kind is FaultKind.CIPHERTEXT_FIRST for fault in faults)
    for is_shell in (True, False, False) if is_shell_first else (False,):
        for _ in range(_times(faults)):
            yield Emission(after, message_envelope(message, channel, is_shell=is_shell))


def _acks(
    message: Message, channel: SimulatedChannel, config: SimulatorConfig, faults: Sequence[Fault]
) -> Iterator[Emission]:
    kinds = {fault.kind for fault in faults}
    if FaultKind.NO_ACKS in kinds:
        return
    words: tuple[AckWord, ...] = ("failed",) if FaultKind.ACK_FAILED in kinds else config.acks
    for step, word in enumerate(reversed(words) if FaultKind.ACKS_REVERSED in kinds else words, start=1):
        after = step * config.ack_delay_seconds
        for _ in range(_times(faults)):
            if config.ack_shape in ("wrapper", "both"):
                yield Emission(after, ack_envelope(message, channel, word, int(message.at + after)))
            if config.ack_shape in ("flat", "both"):
                yield Emission(after, flat_ack(message, word))


def _times(faults: Sequence[Fault]) -> int:
    return max((fault.times for fault in faults if fault.kind is FaultKind.DUPLICATES), default=1)


__all__ = ["Emission", "Plan", "plan_received", "plan_sent"]
