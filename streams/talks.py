"""What is remembered of talks with targets: what was answered, and how often in each conversation."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

import msgspec

from schemas.http_actions import HttpCommand, TargetAnswer
from streams import keys

_MOST_TIMES: Final = 1_000


class Memory(Protocol):
    """A keyed table (`streams.runtime.BatchTable`); `write` returns once its changelog is acknowledged."""

    def get(self, partition: int, key: bytes) -> bytes | None: ...

    async def write(self, partition: int, changes: Mapping[bytes, bytes | None]) -> None: ...


class _Answered(msgspec.Struct, frozen=True, array_like=True):
    at: float
    answer: TargetAnswer


class _Counted(msgspec.Struct, frozen=True, array_like=True):
    at: float
    times: tuple[float, ...]


class _Dated(msgspec.Struct, frozen=True, array_like=True):
    at: float


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_answered: Final = msgspec.msgpack.Decoder(_Answered).decode
_decode_counted: Final = msgspec.msgpack.Decoder(_Counted).decode
_decode_dated: Final = msgspec.msgpack.Decoder(_Dated).decode


class Talks:
    """The memory of the commands of each partition."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def answer(self, partition: int, command: HttpCommand) -> TargetAnswer | None:
        """What the target answered a command; None where it did not yet."""
        value = self._memory.get(partition, keys.id_bytes(command.command_id))
        return None if value is None else _decode_answered(value).answer

    def answers(self, partition: int, command: HttpCommand, since: datetime) -> int:
        """How many answers with replies a target gave in a command's conversation since a moment."""
        return sum(at >= since.timestamp() for at in self._times(partition, command))

    async def remember(self, partition: int, command: HttpCommand, answer: TargetAnswer, now: datetime) -> None:
        """Remember an answer; return once it is safe."""
        at = now.timestamp()
        changes: dict[bytes, bytes | None] = {keys.id_bytes(command.command_id): _encode(_Answered(at, answer))}
        if answer.replies and command.conversation_id:
            times = (*self._times(partition, command), at)[-_MOST_TIMES:]
            changes[_talk(command)] = _encode(_Counted(at, times))
        await self._memory.write(partition, changes)

    def _times(self, partition: int, command: HttpCommand) -> tuple[float, ...]:
        value = self._memory.get(partition, _talk(command)) if command.conversation_id else None
        return () if value is None else _decode_counted(value).times


def told_at(entry: bytes) -> float | None:
    """When an entry of the memory was written, in seconds since the epoch; None where it does not say."""
    try:
        return _decode_dated(entry).at
    except msgspec.MsgspecError:
        return None


def _talk(command: HttpCommand) -> bytes:
    """The key of a conversation with a target; longer than that of a command."""
    return b"talk:" + hashlib.sha256(f"{command.target}\n{command.conversation_id}".encode()).digest()
