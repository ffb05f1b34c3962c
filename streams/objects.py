"""Where the bytes of messages lie: a store of objects that are named by their content."""

from typing import Protocol

from streams.normalization.blobs import Blob


class ObjectStore(Protocol):
    """Keeps bytes under their reference, `sha256:` and 64 hex digits.

    What is stored never changes, so that storing it again does nothing.
    """

    async def put(self, blob: Blob) -> None:
        """Store bytes; return once they are kept."""
        ...

    async def get(self, ref: str) -> bytes:
        """The bytes of a reference."""
        ...

    async def exists(self, ref: str) -> bool:
        """Whether there are bytes of a reference."""
        ...
