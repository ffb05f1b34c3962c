"""Creations that are carried out once: a repeated Idempotency-Key gets the answer of the first time."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Header, Request
from pydantic import BaseModel

from adapters.edge.problems import INVALID, ProblemError
from adapters.mysql.pool import Session
from infra.admin.access import Operator, operator_of
from infra.admin.context import InContext
from infra.context import Context
from schemas.api import WrongField

_KEPT: Final = timedelta(days=1)
_HEADER: Final = "Idempotency-Key"

Model = TypeVar("Model", bound=BaseModel)


class Once:
    """Carries a creation out, or answers what it was answered before; use it as the type of a parameter (`OnceOnly`).

    `key` is the caller's, None where none came.
    """

    def __init__(self, key: str | None, path: str, operator: Operator, context: Context) -> None:
        self.key = key
        self._path = path
        self._operator = operator
        self._context = context

    async def run(self, body: BaseModel, shown: type[Model], make: Callable[[Session], Awaitable[Model]]) -> Model:
        """The answer of `make`, whose changes in MySQL must go through its session: both are kept, or neither.

        A 422 where the key came before with another body. Who comes with the same key meanwhile waits.
        """
        async with self._context.patient_db.transaction() as session:
            if self.key is None:
                return await make(session)
            place = (self._operator.name, self.key)
            request = hashlib.sha256(f"{self._path}\n{body.model_dump_json()}".encode()).hexdigest()
            now = datetime.now(UTC).replace(tzinfo=None)
            await session.execute(_FORGET, (now - _KEPT,))
            await session.execute(_BEGIN, (*place, request, now))
            known = (await session.fetch(_KNOWN, place))[0]
            if known["request"] != request:
                wrong = WrongField(field=_HEADER, message="came before with another request")
                raise ProblemError(INVALID, "That Idempotency-Key came before with another request.", errors=[wrong])
            if known["answer"] is not None:
                return shown.model_validate_json(known["answer"])
            made = await make(session)
            await session.execute(_END, (made.model_dump_json(), *place))
            return made


def _once(
    request: Request,
    context: InContext,
    key: Annotated[
        str | None,
        Header(
            alias=_HEADER,
            min_length=1,
            max_length=255,
            pattern=r"^[!-~]+$",
            description="Any text, one for each creation: sent again within a day, nothing is created twice.",
        ),
    ] = None,
) -> Once:
    return Once(key, request.url.path, operator_of(request), context)


OnceOnly = Annotated[Once, Depends(_once)]

_FORGET: Final = "DELETE FROM admin_answers WHERE created_at < %s ORDER BY created_at LIMIT 100"
_BEGIN: Final = (
    "INSERT IGNORE INTO admin_answers (operator, idempotency_key, request, created_at) VALUES (%s, %s, %s, %s)"
)
_KNOWN: Final = "SELECT request, answer FROM admin_answers WHERE operator = %s AND idempotency_key = %s FOR UPDATE"
_END: Final = "UPDATE admin_answers SET answer = %s WHERE operator = %s AND idempotency_key = %s"
