"""The dialects of the gateway, one a module: how a body is recognised, what it calls things, where its content lies.

A dialect is a module with `NAME`, `matches(parts)` and `read(parts)`. They are asked in this order; the flat one takes
what no other does.
"""

from typing import Final, Protocol

from streams.normalization.dialects import engine, flat, nested, wrapper
from streams.normalization.fields import Parts
from streams.normalization.inbound import Inbound


class Dialect(Protocol):
    """What a module of this package offers."""

    NAME: str

    def matches(self, parts: Parts) -> bool:
        """Whether a body is written in this dialect."""

    def read(self, parts: Parts) -> Inbound:
        """What the body says."""


DIALECTS: Final[tuple[Dialect, ...]] = (nested, wrapper, engine, flat)


def of(parts: Parts) -> Dialect:
    """The dialect that a body is written in."""
    return next(dialect for dialect in DIALECTS if dialect.matches(parts))
