"""What can go wrong with the object store; the class says whether waiting helps."""


class ObjectStoreError(Exception):
    """Root of what the object store raises."""


class StoreUnavailableError(ObjectStoreError):
    """The store cannot be used now: it does not answer, refuses our keys, or is full. Wait until somebody mended it."""


class ObjectNotFoundError(ObjectStoreError):
    """Nothing is stored under a reference."""


class ObjectTooLargeError(ObjectStoreError):
    """An object has more bytes than the store takes or gives."""


class InvalidReferenceError(ObjectStoreError, ValueError):
    """A reference is not of the form that the store gives, or does not name the bytes that came with it."""
