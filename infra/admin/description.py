"""The description of the API (OpenAPI 3.1): what FastAPI derives from the models, and all that may go wrong."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from adapters.edge.problems import MEDIA_TYPE
from infra.admin import ingest_description
from infra.admin.access import PREFIX
from schemas.api import Problem

_ALWAYS: Final = (400, 401, 403, 422, 503)
_OF_ONE: Final = (404, 409)
_CONDITIONAL: Final = (412, 428)
_MEANINGS: Final = {
    400: "The body cannot be read, or the cursor is of another query.",
    401: "A token is needed, or it is not known.",
    403: "The token lacks the scope.",
    404: "There is no such thing.",
    409: "As things stand, that cannot be done.",
    412: "Somebody has changed it meanwhile; `current` is what there is now.",
    413: "The body is too large.",
    422: "What was sent is not what the contract says; `errors` names the fields.",
    428: "A change needs If-Match.",
    503: "MySQL, Kafka or the gateway does not answer; Retry-After says when to come back.",
}

Document = dict[str, Any]


def describe(app: FastAPI) -> Document:
    """The document: each route of the Admin API with every problem that it may answer."""
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=app.description, routes=app.routes
    )
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {}) | {"Problem": problem}
    document["components"]["responses"] = {f"Problem{status}": _response(text) for status, text in _MEANINGS.items()}
    for path, method, operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            parameter["required"] = parameter["required"] or parameter["name"] == "If-Match"
        operation["responses"].pop("422", None)
        for status in _statuses(path, method, operation):
            operation["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    ingest = ingest_description.paths()
    for item in ingest.values():
        refusals = {str(status): _response(meaning) for status, meaning in ingest_description.REFUSALS.items()}
        item["post"]["responses"] |= refusals
    document["paths"] = ingest | document["paths"]
    schemas |= ingest_description.schemas()
    document["components"].setdefault("securitySchemes", {}).update(ingest_description.SECURITY)
    return document


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        if path.startswith(PREFIX):
            for method, operation in item.items():
                yield path, method, operation


def _statuses(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[int]:
    """What may go wrong with an operation."""
    yield from _ALWAYS
    if "{" in path or method != "get":
        yield from _OF_ONE
    if method != "get":
        yield 413
    if any(parameter["name"] == "If-Match" for parameter in operation.get("parameters", ())):
        yield from _CONDITIONAL


def _response(meaning: str) -> Document:
    return {"description": meaning, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
