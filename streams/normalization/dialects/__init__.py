"""The dialects of the gateway, one a module: how a body is recognised, what it calls things, where its content lies.

A dialect is a module with `NAME`, `matches(parts)` and `read(parts)`. They are asked in the order of `DIALECTS`; the
flat one takes what no other does. To add one: a module here, its name in that list, and bodies in `tests/golden`.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from streams.normalization.dialects import engine, flat, meta, nested, whapi, wrapper
from streams.normalization.fields import Parts
from streams.normalization.reading import Said


class Dialect(Protocol):
    """What a module of this package offers."""

    NAME: str

    def matches(self, parts: Parts) -> bool:
        """Whether a body is written in this dialect."""

    def read(self, parts: Parts) -> Sequence[Said]:
        """What the body says: one thing, or several where it holds several; never nothing."""


DIALECTS: Final[tuple[Dialect, ...]] = (nested, wrapper, whapi, meta, engine, flat)


def of(parts: Parts) -> Dialect:
    """The dialect that a body is written in."""
    for dialect in DIALECTS:
        if dialect.matches(parts):
            return dialect
    return flat
