"""The object store that the settings name."""

from adapters.objects import ContentStore, ObjectStoreError, StoreUnavailableError, open_store
from infra.errors import OperatorError
from infra.settings import Settings


def store(settings: Settings) -> ContentStore:
    """The store; OperatorError where there cannot be one."""
    try:
        return open_store(settings.media_store, settings.s3_access)
    except StoreUnavailableError as error:
        raise OperatorError(f"{error}; see POSTO_MEDIA_STORE.") from error


async def get(settings: Settings, ref: str) -> bytes:
    """The bytes of a reference; OperatorError where there are none."""
    try:
        return await store(settings).get(ref)
    except ObjectStoreError as error:
        raise OperatorError(f"{error}.") from None
