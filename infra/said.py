"""What a person says in a decision that goes on record: who they are, and why."""

from infra.errors import InvalidError
from streams.sending.operators_word import LONGEST_NAME, LONGEST_REASON


def said(option: str, text: str, longest: int) -> str:
    """What was said with an option, on one line; InvalidError where that is nothing, or nothing that can be kept."""
    text = " ".join(text.split())
    if not text or len(text) > longest or not text.isprintable():
        raise InvalidError(f"{option} must say something, in at most {longest} characters that can be printed.")
    return text


__all__ = ["LONGEST_NAME", "LONGEST_REASON", "said"]
