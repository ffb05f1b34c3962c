"""What a person says in a decision that goes on record: who they are, and why."""

from typing import Final

from infra.errors import OperatorError

LONGEST_NAME: Final = 191
LONGEST_REASON: Final = 500


def said(option: str, text: str, longest: int) -> str:
    """What was said with an option, on one line; OperatorError where that is nothing, or nothing that can be kept."""
    text = " ".join(text.split())
    if not text or len(text) > longest or not text.isprintable():
        raise OperatorError(f"{option} must say something, in at most {longest} characters that can be printed.")
    return text
