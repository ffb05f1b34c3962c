"""ETags: a change says what it is a change of, so that of two at the same time one learns of the other."""

import hashlib
from typing import Annotated, Any, Final

import msgspec
from fastapi import Depends, Header
from pydantic import BaseModel

from adapters.edge.problems import ProblemError
from infra.admin.kinds import CHANGED, UNCONDITIONAL


def etag_of(content: Any) -> str:
    """The strong tag of an authored row's content, so that plain SQL changes it too.

    `content` is what people author, as JSON values or a model: no times of change, no versions.
    """
    plain = content.model_dump(mode="json") if isinstance(content, BaseModel) else content
    return f'"{hashlib.blake2b(_encode(plain), digest_size=16).hexdigest()}"'


class IfMatch:
    """The If-Match of a change; use it as the type of a parameter (`Matching`)."""

    def __init__(self, given: str) -> None:
        self._tags = [tag.strip() for tag in given.split(",")]

    def check(self, etag: str, current: BaseModel) -> None:
        """A 412 with what there is now, where that is not what the caller saw; call it under the row's lock."""
        if etag not in self._tags and "*" not in self._tags:
            raise ProblemError(
                CHANGED,
                "Somebody has changed it since you read it: see `current`, and change that, with its ETag.",
                current=current,
                headers={"etag": etag},
            )


_PATTERN: Final = r'^(\*|"[!#-~]*"(, *"[!#-~]*")*)$'


def _if_match(
    given: Annotated[
        str | None,
        Header(
            alias="If-Match",
            max_length=1_000,
            pattern=_PATTERN,
            description="The ETag of what is to be changed; `*` for any.",
        ),
    ] = None,
) -> IfMatch:
    if given is None:
        raise ProblemError(
            UNCONDITIONAL, "Send If-Match with the ETag that reading it gave, so that no change is lost."
        )
    return IfMatch(given)


Matching = Annotated[IfMatch, Depends(_if_match)]
_encode: Final = msgspec.json.Encoder(order="deterministic").encode
