"""Cursors: where a list goes on. Each belongs to its query: with another one it means nothing."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final, TypeVar

import msgspec
from pydantic import BaseModel

from adapters.edge.problems import MALFORMED, ProblemError
from schemas.admin.pages import Listing, Page

Position = TypeVar("Position")
Item = TypeVar("Item", bound=BaseModel)


class _Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    query: str
    after: Any


def page(query: str, wanted: Listing, items: list[Item], after: Any) -> Page[Item]:
    """A page of the list named `query`; `after` is the position after which the next one begins, None for the last."""
    if after is None:
        return Page(items=items)
    packed = msgspec.json.encode(_Cursor(_digest(query, wanted), after))
    return Page(items=items, next_cursor=urlsafe_b64encode(packed).rstrip(b"=").decode())


def position(query: str, wanted: Listing, kind: type[Position]) -> Position | None:
    """After which position a page begins, None for the first one; a 400 for a cursor that is not of this query."""
    if wanted.cursor is None:
        return None
    try:
        packed = urlsafe_b64decode(wanted.cursor.encode() + b"==")
        cursor = msgspec.json.decode(packed, type=_Cursor)
        after = msgspec.convert(cursor.after, kind)
    except (ValueError, RecursionError):
        raise ProblemError(MALFORMED, "The cursor is none of this list: take `next_cursor` as it is.") from None
    if cursor.query != _digest(query, wanted):
        raise ProblemError(
            MALFORMED, "The cursor is of another query: keep all filters as they were, or begin without a cursor."
        )
    return after


def _digest(query: str, wanted: Listing) -> str:
    """The list and its filters, but for what changes from page to page."""
    filters = wanted.model_dump(mode="json", exclude={"limit", "cursor"}, exclude_none=True)
    said = msgspec.json.encode([query, filters], order="deterministic")
    return hashlib.blake2b(said, digest_size=_DIGEST_BYTES).hexdigest()


_DIGEST_BYTES: Final = 8
