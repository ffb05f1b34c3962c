"""Bytes to a JSON object, or one error that says why not."""

import re
from typing import Any, Final

import msgspec

from streams.normalization.errors import NormalizationError

_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_decode = msgspec.json.Decoder().decode


def decode_object(value: bytes | None, *, lone_surrogates: bool = False) -> dict[str, Any]:
    """Decode a record's value; NormalizationError where it is absent, not JSON in UTF-8, or no object.

    With `lone_surrogates`, half a character that a program cut in two is read as U+FFFD: better a name with a hole
    than a message that is lost for it.
    """
    if not value:
        raise NormalizationError("empty", "the record has no value")
    try:
        body = _decode(value)
    except RecursionError:
        raise NormalizationError("too_deep", "the body is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise NormalizationError("not_utf8", f"the body is not UTF-8: {error.reason} at byte {error.start}") from None
    except msgspec.DecodeError as error:
        if lone_surrogates and (repaired := _ESCAPE.sub(_repair, value)) != value:
            return decode_object(repaired)
        raise NormalizationError("not_json", f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise NormalizationError("not_object", f"expected an object, got {json_type(body)}")
    return body


def _repair(escape: re.Match[bytes]) -> bytes:
    return escape[0] if escape["lone"] is None else rb"\ufffd"


def json_type(value: object) -> str:
    """The name of a value's JSON type, for messages."""
    match value:
        case None:
            return "null"
        case dict():
            return "object"
        case list():
            return "array"
        case _:
            return type(value).__name__
