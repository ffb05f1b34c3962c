"""Lists, page by page."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

from schemas.admin.values import Body, Shown

MOST: int = 100

T = TypeVar("T", bound=BaseModel)


class Listing(Body):
    """What every list takes; those with filters of their own derive from it."""

    limit: Annotated[int, Field(ge=1, le=MOST, strict=False, description="At most so many.")] = 50
    cursor: Annotated[
        str | None,
        Field(min_length=1, max_length=2_000, description="`next_cursor` of the page before, with the same filters."),
    ] = None


class Page(Shown, Generic[T]):
    """A part of a list. Without `next_cursor` it is the last one.

    A page may hold fewer items than were asked for, also none, and not be the last.
    """

    items: list[T]
    next_cursor: str | None = None
