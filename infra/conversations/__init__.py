"""Conversations: read from the tables, answered by an event, and changed by a record on `conversation.change`."""
