"""Bodies of webhooks, byte for byte as they may be posted, each with what becomes of it."""
