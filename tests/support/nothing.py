"""What stands in for outside things that a piece of work never needs; it fails where they are asked for."""

from collections.abc import Mapping, Sequence

from streams.normalization.blobs import Blob
from streams.quarantine import Held


class Nothing:
    """Takes neither bytes of files nor channels without an owner."""

    async def put(self, blob: Blob) -> None:
        """Keep bytes."""
        raise AssertionError(blob.ref)

    async def get(self, ref: str) -> bytes:
        """Give them back."""
        raise AssertionError(ref)

    async def exists(self, ref: str) -> bool:
        """Know them."""
        raise AssertionError(ref)

    async def take(self, incoming: Mapping[int, Sequence[Held]]) -> None:
        """Look after what is held."""
        raise AssertionError(incoming)
