"""Technical traffic: 99 of 100 webhooks, told apart by their name before anything else is looked at."""

from typing import Final

import msgspec

from streams.normalization import fields, values
from streams.normalization.fields import Parts
from streams.normalization.vocabulary import CHANNEL_STATES

PROBE: Final = "posto.probe"
"""The name under which the hub posts to its own webhook, to see that what is posted there arrives."""

TECHNICAL: Final = {
    "onpresencechanged": "presence",
    "presence.update": "presence",
    "presence": "presence",
    "typing": "presence",
    "onupdatelabel": "label",
    "label.update": "label",
    PROBE: "probe",
}
"""Names of events that say nothing about messages or the channel, to the kind under which they are counted."""

NOTICES: Final = frozenset({"notification_template", "e2e_notification", "protocol", "revoked", "gp2", "notification"})
"""Types of messages that are none: notices of WhatsApp."""

BROADCAST: Final = "broadcast"
STATUS: Final = "status"
STATUS_FIND: Final = "status-find"


def kind_of(parts: Parts) -> str | None:
    """The kind of a body that is noise by its name, and by holding no state of the channel; None where it may be more.

    The engine's name says more than the wrapper's.
    """
    engine, named = fields.engine_name(parts), fields.event_name(parts)
    if kind := TECHNICAL.get(engine) or TECHNICAL.get(named):
        return kind
    if STATUS_FIND not in (engine, named):
        return None
    return None if any(word in CHANNEL_STATES for word in fields.each(parts, fields.STATE, values.word)) else STATUS


class Noise(msgspec.Struct, frozen=True):
    """A webhook that makes no event. `channel` is canonical."""

    kind: str
    channel: str | None
