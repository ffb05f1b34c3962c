"""Files of messages: what the payload of an event says of one, and the wish to fetch what came without its bytes."""

from datetime import datetime
from enum import StrEnum

import msgspec

from schemas.events import SCHEMA_VERSION, Event


class MediaState(StrEnum):
    """How far a file has come: `payload.media.state`."""

    PENDING = "pending"
    """Its bytes did not come with the message and are still to be fetched."""
    READY = "ready"
    """Its bytes are in the object store, under `payload.media.ref`."""
    FAILED = "failed"
    """Its bytes could not be fetched; `payload.media.reason` says why."""


class FetchMedia(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """A file to be fetched from the gateway: the value of `command.media`, keyed by its canonical channel.

    `command_id` is the UUIDv5 of the event's id and `media`. `message_id` is the provider's full id. `event` is the
    message as it was accepted; with what became of its file it goes through the router once more.
    """

    command_id: str
    channel: str
    message_id: str
    created_at: datetime
    event: Event
    schema_version: int = SCHEMA_VERSION
