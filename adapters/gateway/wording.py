"""What the gateway said: read from any body, made safe to log and to store."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

MAX_SAID: Final = 300
"""Characters of the gateway's words that are kept."""

_MAX_TEXT: Final = 8_192
_MAX_DEPTH: Final = 3
_SAYING_FIELDS: Final = ("error", "message", "reason", "detail", "details", "errors", "status", "response")
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]*>")
_LONG_NUMBER: Final = re.compile(r"(?<!\d)(\d{4})\d{2,}(\d{2})(?!\d)")


def json_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object that a body holds; None for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def is_html(content_type: str, body: bytes) -> bool:
    """Whether a body is a page for people, as a proxy in front of the gateway answers."""
    return "html" in content_type.lower() or body[:256].lstrip().lower().startswith((b"<!doctype", b"<html"))


def words(answer: Mapping[str, Any] | None, body: bytes) -> str:
    """The telling part of an answer: the error fields of a JSON object, the title of a page, else the text."""
    if answer is not None:
        return " | ".join(dict.fromkeys(_sayings(answer, _MAX_DEPTH)))[:_MAX_TEXT]
    text = body[:_MAX_TEXT].decode("utf-8", "replace")
    title = _TITLE.search(text)
    return title.group(1) if title else _TAG.sub(" ", text)


def sanitized(text: str, secrets: Iterable[str] = ()) -> str:
    """One line of at most `MAX_SAID` printable characters: secrets replaced, numbers as long as phones masked."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    text = "".join(character if character.isprintable() else " " for character in text)
    text = _LONG_NUMBER.sub(r"\1***\2", " ".join(text.split()))
    return text if len(text) <= MAX_SAID else text[: MAX_SAID - 1] + "…"


def _sayings(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str) and value.strip():
        yield value.strip()
    elif depth and isinstance(value, Mapping):
        for field in _SAYING_FIELDS:
            yield from _sayings(value.get(field), depth - 1)
    elif depth and isinstance(value, list):
        for item in value[:10]:
            yield from _sayings(item, depth - 1)


__all__ = ["MAX_SAID", "is_html", "json_object", "sanitized", "words"]
