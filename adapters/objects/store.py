"""Objects by content hash, in a local folder or an S3 bucket, through obstore."""

import asyncio
import hashlib
import re
from typing import Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore as Backend

from adapters.objects.errors import (
    InvalidReferenceError,
    ObjectNotFoundError,
    ObjectTooLargeError,
    StoreUnavailableError,
)
from streams.normalization.blobs import Blob

MAX_OBJECT_BYTES: Final = 16_777_216

_LONGEST_REASON: Final = 300
_REF: Final = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)
_PLAIN_TYPE: Final = re.compile(r"[\w!#$&^.+-]{1,60}/[\w!#$&^.+-]{1,60}(?:; ?[\w=.+-]{1,60})?", re.ASCII)


class ContentStore:
    """Objects that are named by their content: `<the first two digits>/<all 64 digits of the SHA-256>`.

    `where` is what errors say of the place. The media type is kept where the backend can (`keeps_types`).
    """

    def __init__(self, backend: Backend, *, where: str, keeps_types: bool) -> None:
        self._backend = backend
        self._where = where
        self._keeps_types = keeps_types

    async def put(self, blob: Blob) -> None:
        """Store bytes unless they are there; return once they are kept, whole or not at all.

        Raises ObjectTooLargeError, InvalidReferenceError and StoreUnavailableError.
        """
        path = path_of(blob.ref)
        if len(blob.data) > MAX_OBJECT_BYTES:
            raise ObjectTooLargeError(f"{blob.ref} has {len(blob.data)} bytes; at most {MAX_OBJECT_BYTES} are stored")
        if await asyncio.to_thread(_digest, blob.data) != blob.ref:
            raise InvalidReferenceError(f"{blob.ref} is not the hash of the bytes that came with it")
        if await self._size(path) == len(blob.data):  # of another size: a machine that stopped in the middle left it
            return
        try:
            await obstore.put_async(
                self._backend, path, blob.data, attributes=self._attributes(blob), use_multipart=False
            )
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error

    async def get(self, ref: str) -> bytes:
        """The bytes of a reference; raises ObjectNotFoundError, ObjectTooLargeError and StoreUnavailableError."""
        path = path_of(ref)
        try:
            found = await obstore.get_async(self._backend, path)
            if found.meta["size"] > MAX_OBJECT_BYTES:
                raise ObjectTooLargeError(f"{ref} has {found.meta['size']} bytes; at most {MAX_OBJECT_BYTES} are read")
            return bytes(await found.bytes_async())
        except FileNotFoundError as error:
            raise ObjectNotFoundError(f"{self._where} has no {ref}") from error
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error

    async def exists(self, ref: str) -> bool:
        """Whether a reference is stored; raises StoreUnavailableError."""
        return await self._size(path_of(ref)) is not None

    async def check(self) -> None:
        """Raise StoreUnavailableError where the store cannot be looked at."""
        try:
            await obstore.list_with_delimiter_async(self._backend)
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error

    async def _size(self, path: str) -> int | None:
        try:
            return (await obstore.head_async(self._backend, path))["size"]
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error

    def _attributes(self, blob: Blob) -> dict[str, str] | None:
        if not self._keeps_types or not _PLAIN_TYPE.fullmatch(blob.media_type):
            return None
        return {"Content-Type": blob.media_type}

    def _unavailable(self, error: Exception) -> StoreUnavailableError:
        return StoreUnavailableError(f"{self._where} cannot be used: {_said(error)}")


def path_of(ref: str) -> str:
    """Where an object lies; InvalidReferenceError for what is no reference, so that no name leads out of the store."""
    match = _REF.fullmatch(ref)
    if match is None:
        raise InvalidReferenceError(f"{ref[:80]!r} is no reference such as sha256:<64 hex digits>")
    return f"{match[1][:2]}/{match[1]}"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _said(error: Exception) -> str:
    """The first line of an error: those that follow are the library's innards."""
    return str(error).partition("\n")[0][:_LONGEST_REASON] or type(error).__name__
