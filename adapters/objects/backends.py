"""Where the store lies: a local folder, or a bucket of S3 and what speaks like it."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from adapters.objects.errors import StoreUnavailableError
from adapters.objects.store import ContentStore

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config  # not there at run time

_SCHEME: Final = "s3://"
_TIMES: "Final[ClientConfig]" = {"connect_timeout": "5 seconds", "timeout": "60 seconds"}
_FEW_RETRIES: Final = 2  # who calls waits and repeats by itself


@dataclass(frozen=True)
class S3Access:
    """How a bucket is reached.

    `endpoint`: empty for Amazon's own. `key_id` and `secret`: empty for those of the environment (AWS_...) or of the
    machine's role.
    """

    endpoint: str = ""
    region: str = "us-east-1"
    key_id: str = ""
    secret: str = ""


def is_bucket(location: str) -> bool:
    """Whether a location is a bucket and no folder; ValueError for one that cannot be."""
    if not location.startswith(_SCHEME):
        if "://" in location:
            raise ValueError("must be a folder, or a bucket such as s3://bucket/prefix")
        return False
    parts = urlsplit(location)
    if not parts.netloc or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must look like s3://bucket or s3://bucket/prefix")
    return True


def open_store(location: str, access: S3Access) -> ContentStore:
    """The store at `s3://bucket/prefix`, or in a local folder, which is made where it is missing.

    Nothing is asked of a bucket yet. Raises StoreUnavailableError for a folder that cannot be made.
    """
    return _bucket(location, access) if is_bucket(location) else _folder(Path(location))


def _folder(folder: Path) -> ContentStore:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        backend = LocalStore(folder.resolve())
    except (OSError, BaseError) as error:
        raise StoreUnavailableError(f"The media folder {folder} cannot be used: {error}") from error
    return ContentStore(backend, where=f"The media folder {folder}", keeps_types=False)


def _bucket(location: str, access: S3Access) -> ContentStore:
    parts = urlsplit(location)
    config: S3Config = {"region": access.region}
    if access.endpoint:
        config["endpoint"] = access.endpoint
    if access.key_id:
        config |= {"access_key_id": access.key_id, "secret_access_key": access.secret}
    backend = S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        config=config,
        client_options={**_TIMES, "allow_http": access.endpoint.startswith("http://")},
        retry_config={"max_retries": _FEW_RETRIES, "retry_timeout": timedelta(seconds=30)},
    )
    return ContentStore(backend, where=f"The media bucket {location}", keeps_types=True)
