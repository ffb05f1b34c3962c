"""The object store of media: bytes by content hash, in a local folder or an S3 bucket."""

from adapters.objects.backends import S3Access, is_bucket, open_store
from adapters.objects.errors import (
    InvalidReferenceError,
    ObjectNotFoundError,
    ObjectStoreError,
    ObjectTooLargeError,
    StoreUnavailableError,
)
from adapters.objects.store import MAX_OBJECT_BYTES, ContentStore

__all__ = [
    "MAX_OBJECT_BYTES",
    "ContentStore",
    "InvalidReferenceError",
    "ObjectNotFoundError",
    "ObjectStoreError",
    "ObjectTooLargeError",
    "S3Access",
    "StoreUnavailableError",
    "is_bucket",
    "open_store",
]
