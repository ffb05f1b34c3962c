"""Bytes of a file or a thumbnail that came inside a webhook: what goes to the object store in place of the event."""

import hashlib
from typing import Self

import msgspec


class Blob(msgspec.Struct, frozen=True):
    """Bytes under the name that their content gives them: `ref` is `sha256:` and 64 hex digits."""

    ref: str
    media_type: str
    data: bytes

    @classmethod
    def of(cls, data: bytes, media_type: str) -> Self:
        """Name bytes by their content."""
        return cls(f"sha256:{hashlib.sha256(data).hexdigest()}", media_type, data)
