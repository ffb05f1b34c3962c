"""Technical traffic: 99 of 100 webhooks, told apart by their name before anything else is looked at."""

from typing import Final

import msgspec

TECHNICAL: Final = {
    "onpresencechanged": "presence",
    "presence.update": "presence",
    "presence": "presence",
    "typing": "presence",
    "onupdatelabel": "label",
    "label.update": "label",
}
"""Names of events that say nothing about messages or the channel, to the kind under which they are counted."""

NOTICES: Final = frozenset({"notification_template", "e2e_notification", "protocol", "revoked", "gp2", "notification"})
"""Types of messages that are none: notices of WhatsApp."""

BROADCAST: Final = "broadcast"
STATUS: Final = "status"


class Noise(msgspec.Struct, frozen=True):
    """A webhook that makes no event. `channel` is canonical."""

    kind: str
    channel: str | None
