"""Event types that the hub itself knows: what it makes of what the gateway sends, and messages of a conversation."""

from typing import Final

PREFIX: Final = "whatsapp."
"""What all of them begin with, and no event of a producer: they are evidence of what happened to messages."""

INBOUND_MESSAGE: Final = "whatsapp.inbound.message"
OUTBOUND_MESSAGE: Final = "whatsapp.outbound.message"
"""An own message: typed on the phone, or the echo of one that the hub sent."""
DELIVERY_ACK: Final = "whatsapp.delivery.ack"
CONNECTION_UPDATE: Final = "whatsapp.connection.update"
MESSAGE_REACTION: Final = "whatsapp.message.reaction"
MESSAGE_REVOKED: Final = "whatsapp.message.revoked"
UNKNOWN: Final = "whatsapp.unknown."
"""Prefix of what the gateway sent and nobody knows yet."""

CHAT_MESSAGE: Final = "chat.outbound.message"
"""Somebody writes into a conversation: a person, an AI, a rule (`schemas.chat`)."""
CHAT_HANDOFF: Final = "chat.handoff"
"""An AI gave a conversation to people."""
