"""Tokens of the Admin API: named, with scopes, made, listed and revoked; only their hash is kept."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, Final

import msgspec

from adapters.mysql.errors import DataRefusedError
from adapters.mysql.pool import Database, Session
from infra.audit import record_change
from infra.errors import ConflictError, InvalidError, UnknownError
from infra.settings import Settings

READ: Final = "read"
OPERATE: Final = "operate"
ADMIN: Final = "admin"
SCOPES: Final = (READ, OPERATE, ADMIN)
"""Each includes those before it."""

MASTER: Final = "admin"
"""The name under which POSTO_ADMIN_TOKEN acts."""

_PREFIX: Final = "posto_"
_SECRET_BYTES: Final = 32
_NAME: Final = re.compile(r"[\w.@-]+(?: [\w.@-]+)*")
_LONGEST_NAME: Final = 100


class TokenHolder(msgspec.Struct, frozen=True):
    """Whose a token is, and what it allows."""

    name: str
    scopes: frozenset[str]


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a token; not the token."""

    name: str
    scope: str
    created_at: datetime
    created_by: str
    revoked_at: datetime | None
    revoked_by: str | None


def scopes_of(scope: str) -> frozenset[str]:
    """What a scope allows."""
    return frozenset(SCOPES[: SCOPES.index(scope) + 1])


async def holder_of(settings: Settings, db: Database, token: str) -> TokenHolder | None:
    """Whose a token is; None where nobody's, or it was revoked.

    What is looked up is the hash of 32 random bytes: no time that it takes says anything of another one.
    """
    master = settings.posto_admin_token.get_secret_value()
    if master and compare_digest(token.encode(), master.encode()):
        return TokenHolder(MASTER, frozenset(SCOPES))
    if not token.startswith(_PREFIX):
        return None
    rows = await db.fetch(
        "SELECT name, scope FROM admin_tokens WHERE hash = %s AND revoked_at IS NULL", (_hash(token),)
    )
    return TokenHolder(rows[0]["name"], scopes_of(rows[0]["scope"])) if rows else None


async def create(db: Database, producer: Any, name: str, scope: str, *, by: str) -> str:
    """Make a token and return it: it cannot be shown again. ConflictError where the name is taken."""
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name) or name == MASTER:
        raise InvalidError(
            f"A token cannot be named {name!r}: letters, digits, dots, dashes and single spaces, at most "
            f"{_LONGEST_NAME}; {MASTER!r} is POSTO_ADMIN_TOKEN."
        )
    if scope not in SCOPES:
        raise InvalidError(f"There is no scope {scope!r}: the scopes are {', '.join(SCOPES)}.")
    token = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    async with db.transaction() as session:
        try:
            await session.execute(_INSERT, (name, scope, _hash(token), datetime.now(UTC).replace(tzinfo=None), by))
        except DataRefusedError:
            raise ConflictError(
                f"There was a token {name!r} before: names stay, for the audit. Choose another."
            ) from None
        await record_change(
            producer, actor=by, action="token.created", subject=f"token:{name}", detail={"scope": scope}
        )
    return token


async def revoke(db: Database, producer: Any, name: str, *, by: str) -> None:
    """End a token, at once; UnknownError where there is none of that name, ConflictError where it was revoked."""
    async with db.transaction() as session:
        if not await session.execute(_REVOKE, (datetime.now(UTC).replace(tzinfo=None), by, name)):
            known = [token for token in await listed(session) if token.name == name]
            if not known:
                raise UnknownError(f"There is no token {name!r}; `posto tokens list` shows them.")
            at = known[0].revoked_at
            raise ConflictError(f"The token {name!r} was revoked before, at {at:%Y-%m-%d %H:%M:%S} UTC.")
        await record_change(producer, actor=by, action="token.revoked", subject=f"token:{name}", detail={})


async def listed(db: Database | Session) -> list[Token]:
    """All there ever were, those that are valid first."""
    rows = await db.fetch(
        "SELECT name, scope, created_at, created_by, revoked_at, revoked_by FROM admin_tokens "
        "ORDER BY revoked_at IS NOT NULL, name"
    )
    return [msgspec.convert({**row, **_times(row.items())}, Token) for row in rows]


def _times(columns: Iterable[tuple[str, object]]) -> dict[str, datetime]:
    return {name: value.replace(tzinfo=UTC) for name, value in columns if isinstance(value, datetime)}


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


_INSERT: Final = "INSERT INTO admin_tokens (name, scope, hash, created_at, created_by) VALUES (%s, %s, %s, %s, %s)"
_REVOKE: Final = "UPDATE admin_tokens SET revoked_at = %s, revoked_by = %s WHERE name = %s AND revoked_at IS NULL"
