"""Tenants and their channels: who owns what, and the set-up of a channel from nothing to its first message."""
