"""Lists of rows as pages: filters, times and cursors of a request put in the words of `adapters.mysql.lists`."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel

from adapters.mysql.lists import Position, Wanted
from infra.admin import cursors
from schemas.admin.pages import Listing, Page

Shown = TypeVar("Shown", bound=BaseModel)


class _After(msgspec.Struct, array_like=True):
    time: datetime
    key: int | str


def wanted_rows(query: str, wanted: Listing, filters: Mapping[str, Any]) -> Wanted:
    """What a request wants; `query` names the list, for its cursors."""
    after = cursors.position(query, wanted, _After)
    return Wanted(
        limit=wanted.limit,
        filters=filters,
        since=_naive(getattr(wanted, "since", None)),
        until=_naive(getattr(wanted, "until", None)),
        after=Position(after.time, after.key) if after else None,
    )


def page(query: str, wanted: Listing, shown: type[Shown], found: Iterable[Any], after: Position | None) -> Page[Shown]:
    """What was found, as a page that goes on after a position."""
    place = [after.time.isoformat(), after.key] if after else None
    return cursors.page(query, wanted, [shown.model_validate(one) for one in found], place)


def _naive(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=None)
