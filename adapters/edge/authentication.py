"""Secrets: who may post."""

from collections.abc import Iterable, Mapping
from hmac import compare_digest

from adapters.edge.problems import FORBIDDEN, UNAUTHENTICATED, ProblemError


class Secrets:
    """The secrets of one route and the headers in which they may come; several are valid while one is rotated.

    `Authorization` among the headers means its `Bearer` form. Without any secret the door is open.
    """

    def __init__(self, accepted: Iterable[str], headers: tuple[str, ...], challenge: str) -> None:
        """`challenge` goes into `WWW-Authenticate`."""
        self._accepted = tuple(secret.encode() for secret in accepted)
        self._headers = tuple(name.lower().encode() for name in headers)
        self._wanted = f"Send the secret in {' or '.join(headers)}."
        self._challenge = {"www-authenticate": challenge}

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raise a 401 where no secret came, a 403 where none that came is right."""
        if not self._accepted:
            return
        given = [secret for name in self._headers if (secret := _secret(name, headers.get(name)))]
        if not given:
            raise ProblemError(UNAUTHENTICATED, self._wanted, headers=self._challenge)
        if not self._is_any(given):
            raise ProblemError(FORBIDDEN, "No such secret is known here.")

    def _is_any(self, given: Iterable[bytes]) -> bool:
        """Compare each with all, without stopping at a hit: the time says nothing about which one is near."""
        matches = [compare_digest(one, accepted) for one in given for accepted in self._accepted]
        return True in matches


def _secret(name: bytes, value: bytes | None) -> bytes | None:
    if not value or name != b"authorization":
        return value
    scheme, _, token = value.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else None
