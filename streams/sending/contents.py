"""What commands say to whom: by it an echo finds the commands that it may be of."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from typing import Final, Self

import msgspec

from schemas.commands import Command

_LONGEST: Final = 10_000
"""So many characters are compared: both sides may have been cut far behind them."""
_LINE_ENDS: Final = re.compile(r"[^\S\n]*(?:\r\n|[\n\r\x0b\x0c\x85\u2028\u2029])")


class Content(msgspec.Struct, frozen=True, array_like=True):
    """What is compared of a message: its canonical channel, its contact's match key, and what its text is like."""

    channel: str
    contact: str
    likeness: bytes

    @classmethod
    def of(cls, command: Command) -> Self:
        """The content of a command."""
        return cls(command.channel, command.contact, likeness(command.text))


def likeness(text: str) -> bytes:
    """Equal for texts that are the same once WhatsApp has had them: blanks at the ends, line ends and Unicode forms."""
    lines = _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", text)).strip()
    return hashlib.blake2b(lines[:_LONGEST].encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Contents:
    """The contents of the commands of a partition, by command key; found by channel and likeness."""

    def __init__(self) -> None:
        self._contents: dict[bytes, Content] = {}
        self._alike: dict[tuple[str, bytes], dict[bytes, None]] = {}

    def __contains__(self, key: bytes) -> bool:
        return key in self._contents

    def put(self, key: bytes, content: Content) -> None:
        """Know what a command says."""
        if key not in self._contents:
            self._contents[key] = content
            self._alike.setdefault((content.channel, content.likeness), {})[key] = None

    def get(self, key: bytes) -> Content | None:
        """What a command says."""
        return self._contents.get(key)

    def drop(self, key: bytes) -> None:
        """Forget a command."""
        content = self._contents.pop(key, None)
        if content is None:
            return
        alike = self._alike[content.channel, content.likeness]
        del alike[key]
        if not alike:
            del self._alike[content.channel, content.likeness]

    def alike(self, channel: str, like: bytes) -> Iterator[tuple[bytes, str]]:
        """The commands of a channel with such a text, each with its contact."""
        for key in self._alike.get((channel, like), ()):
            yield key, self._contents[key].contact
