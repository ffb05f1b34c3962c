"""What the router holds back for a channel that nobody owns yet: places in the raw log, in the order of arrival.

They lie in the router's table beside the keys it has seen: one row says which numbers are in use for a channel, and
each number has a row with the coordinates. So they survive whatever the keys survive, and a channel without an owner
costs the same for its thousandth event as for its first.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, NamedTuple, Protocol

import msgspec

from schemas.events import Coordinates

AT_ONCE: Final = 200
"""Events of a channel that may be on their way to the router: the first ones that are held, and no other is let go."""

_RANGE: Final = b"quarantine:"
_PLACE: Final = b"held:"


class Rows(Protocol):
    """The table's rows of one partition, those of the batch in hand included."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a key."""

    def set(self, key: bytes, value: bytes | None) -> None:
        """Set a key; None deletes it."""


class Held(NamedTuple):
    """What its keeper is told: something of a channel is held. `returned` is where it lies if it was on its way out."""

    channel: str
    returned: Coordinates | None = None


class _Range(msgspec.Struct, array_like=True, frozen=True, gc=False):
    first: int
    end: int


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_range: Final = msgspec.msgpack.Decoder(_Range).decode
_decode_place: Final = msgspec.msgpack.Decoder(Coordinates).decode


def is_holding(rows: Rows, channel: str) -> bool:
    """Whether something of a channel is held: what comes after it has to wait behind it.

    Where all of it was given up since, that is forgotten here: whoever gives up deletes the places alone.
    """
    if rows.get(_range_key(channel)) is None:
        return False
    if any(held(rows.get, channel)):
        return True
    rows.set(_range_key(channel), None)
    return False


def hold(rows: Rows, channel: str, place: Coordinates) -> None:
    """Put an event behind all that is held of its channel."""
    present = _range(rows.get, channel)
    if present.end and rows.get(_place_key(channel, present.end - 1)) == _encode(place):
        return  # another event of the same record
    rows.set(_place_key(channel, present.end), _encode(place))
    rows.set(_range_key(channel), _encode(_Range(present.first, present.end + 1)))


def let_go(rows: Rows, channel: str, place: Coordinates) -> None:
    """Take an event out; harmless where it is not held."""
    row = row_of(rows.get, channel, place)
    if row is None:
        return
    rows.set(row, None)
    present = _range(rows.get, channel)
    first = next((number for number, _ in _places(rows.get, channel, present)), None)
    if first is None:
        rows.set(_range_key(channel), None)
    elif first != present.first:
        rows.set(_range_key(channel), _encode(_Range(first, present.end)))


def held(get: Callable[[bytes], bytes | None], channel: str) -> Iterator[Coordinates]:
    """What is held of a channel, in the order in which it came."""
    return (place for _, place in _places(get, channel, _range(get, channel)))


def row_of(get: Callable[[bytes], bytes | None], channel: str, place: Coordinates) -> bytes | None:
    """The key of the row by which a place is held, if it may be on its way; without that row it is not held."""
    first = islice(_places(get, channel, _range(get, channel)), AT_ONCE)
    numbers = (number for number, one in first if one == place)
    number = next(numbers, None)
    return None if number is None else _place_key(channel, number)


def channel_of(key: bytes) -> str | None:
    """The channel of a row that says that something is held; None of every other row of the table."""
    return key[len(_RANGE) :].decode() if key.startswith(_RANGE) else None


def _range(get: Callable[[bytes], bytes | None], channel: str) -> _Range:
    value = get(_range_key(channel))
    return _Range(0, 0) if value is None else _decode_range(value)


def _places(get: Callable[[bytes], bytes | None], channel: str, present: _Range) -> Iterator[tuple[int, Coordinates]]:
    for number in range(present.first, present.end):
        value = get(_place_key(channel, number))
        if value is not None:
            yield number, _decode_place(value)


def _range_key(channel: str) -> bytes:
    return _RANGE + channel.encode()


def _place_key(channel: str, number: int) -> bytes:
    return b"%b%b%b" % (_PLACE, number.to_bytes(8), channel.encode())
