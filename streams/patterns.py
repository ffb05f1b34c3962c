"""Patterns of event types: words joined by dots, of which the last may be `*`, one word or more."""

import re
from dataclasses import dataclass
from typing import Final, Self

_PATTERN: Final = re.compile(r"(?:[^\s.*]+\.)*(?:[^\s.*]+|\*)")


class PatternError(ValueError):
    """A pattern that is not dot-separated words with at most a last `*`."""


@dataclass(frozen=True)
class Pattern:
    """`literal` is the whole event type, or where `is_prefix` only the words that it begins with."""

    literal: str
    is_prefix: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a pattern; PatternError where it makes no sense."""
        if not _PATTERN.fullmatch(text):
            raise PatternError("must be words joined by dots, of which only the last may be *")
        is_prefix = text.endswith("*")
        return cls(text.removesuffix("*").removesuffix(".") if is_prefix else text, is_prefix)

    @property
    def words(self) -> int:
        """How many words are literal: of two prefixes, the one with more is the more exact."""
        return self.literal.count(".") + 1 if self.literal else 0

    def fits(self, event_type: str) -> bool:
        """Whether an event type matches."""
        if not self.is_prefix:
            return event_type == self.literal
        return not self.literal or event_type.startswith(self.literal + ".")
