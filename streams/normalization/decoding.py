"""Bytes to a JSON object, or one error that says why not."""

from typing import Any

import msgspec

from streams.normalization.errors import NormalizationError

_decode = msgspec.json.Decoder().decode


def decode_object(value: bytes | None) -> dict[str, Any]:
    """Decode a record's value; NormalizationError where it is absent, not JSON in UTF-8, or no object."""
    if not value:
        raise NormalizationError("empty", "the record has no value")
    try:
        body = _decode(value)
    except RecursionError:
        raise NormalizationError("too_deep", "the body is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise NormalizationError("not_utf8", f"the body is not UTF-8: {error.reason} at byte {error.start}") from None
    except msgspec.DecodeError as error:
        raise NormalizationError("not_json", f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise NormalizationError("not_object", f"expected an object, got {json_type(body)}")
    return body


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
