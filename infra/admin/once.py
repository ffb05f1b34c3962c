"""Creations that are carried out once: a repeated Idempotency-Key gets the answer of the first time."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Header, Request
from pydantic import BaseModel

from adapters.edge.problems import INVALID, ProblemError
from adapters.mysql.errors import TransactionConflictError
from adapters.mysql.pool import Session
from infra.admin.access import Operator, operator_of
from infra.admin.context import InContext
from infra.context import Context
from schemas.api import WrongField

_KEPT: Final = timedelta(days=1)
_TRIES: Final = 10
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
        if self.key is None:
            async with self._context.patient_db.transaction() as session:
                return await make(session)
        now = datetime.now(UTC).replace(tzinfo=None)
        await self._forget(now - _KEPT)
        request = hashlib.sha256(f"{self._path}\n{body.model_dump_json()}".encode()).hexdigest()
        for tries_left in reversed(range(_TRIES)):
            is_making = False
            try:
                async with self._context.patient_db.transaction() as session:
                    if (answer := await self._answer(session, request, now)) is not None:
                        return shown.model_validate_json(answer)
                    is_making = True
                    made = await make(session)
                    await session.execute(_END, (made.model_dump_json(), self._operator.name, self.key))
            except TransactionConflictError:  # of several that wait for one that fails, one may be in the other's way
                if is_making or not tries_left:
                    raise
            else:
                return made
        raise AssertionError("the last try returns or raises")

    async def _answer(self, session: Session, request: str, now: datetime) -> str | None:
        """What was answered to this key, which is taken from here on; None where nothing was."""
        place = (self._operator.name, self.key)
        await session.execute(_BEGIN, (*place, request, now))
        known = (await session.fetch(_KNOWN, place))[0]
        if known["request"] != request:
            wrong = WrongField(field=_HEADER, message="came before with another request")
            raise ProblemError(INVALID, "That Idempotency-Key came before with another request.", errors=[wrong])
        answer: str | None = known["answer"]
        return answer

    async def _forget(self, before: datetime) -> None:
        """Each row by itself: no lock outlasts it, and those of creations under way are not in its way."""
        async with self._context.patient_db.session() as session:
            for row in await session.fetch(_OLD, (before,)):
                await session.execute(_FORGET, (row["operator"], row["idempotency_key"], before))


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

_OLD: Final = "SELECT operator, idempotency_key FROM admin_answers WHERE created_at < %s ORDER BY created_at LIMIT 100"
_FORGET: Final = "DELETE FROM admin_answers WHERE operator = %s AND idempotency_key = %s AND created_at < %s"
_BEGIN: Final = (
    "INSERT INTO admin_answers (operator, idempotency_key, request, created_at) VALUES (%s, %s, %s, %s) "
    "ON DUPLICATE KEY UPDATE operator = operator"  # takes the row's lock at once: INSERT IGNORE would only share it
)
_KNOWN: Final = "SELECT request, answer FROM admin_answers WHERE operator = %s AND idempotency_key = %s FOR UPDATE"
_END: Final = "UPDATE admin_answers SET answer = %s WHERE operator = %s AND idempotency_key = %s"
