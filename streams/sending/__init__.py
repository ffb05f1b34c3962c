"""Sending: one owner per partition takes commands, attempts them, and settles them by what comes back."""
