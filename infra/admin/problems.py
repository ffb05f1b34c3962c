"""Problems: every error of the Admin API as a problem document, in one shape with those of the edge."""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaError
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from pymysql.constants import ER
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from adapters.edge import problems
from adapters.edge.problems import INVALID, MALFORMED, ProblemError
from adapters.mysql.errors import DatabaseError, DataRefusedError
from infra.admin.kinds import AWAY, CONFLICT, NOT_FOUND
from infra.errors import AwayError, InvalidError, OperatorError, SettingsError, UnknownError
from schemas.api import WrongField
from streams.runtime import BatchRuntimeError

log = structlog.get_logger()

_LATER: Final = {"retry-after": "5"}


async def answer(request: Request, error: Exception) -> Response:
    """Exception handler: the problem document of whatever a route, or what it called, raised."""
    return await problems.answer(request, of(error))


def of(error: Exception) -> Exception:
    """What an error means to the caller; those that mean nothing to anybody stay as they are."""
    match error:
        case RequestValidationError():
            return _invalid(error.errors())
        case UnknownError():
            return ProblemError(NOT_FOUND, str(error))
        case InvalidError():
            wrong = [WrongField(field=error.field, message=str(error))] if error.field else ()
            return ProblemError(INVALID, str(error), errors=wrong)
        case AwayError() if error.retry_after is not None:
            return ProblemError(AWAY, str(error), headers={"retry-after": str(ceil(error.retry_after))})
        case AwayError() | SettingsError():
            return ProblemError(AWAY, str(error), headers=_LATER)
        case OperatorError():
            return ProblemError(CONFLICT, str(error))
        case DataRefusedError() if error.code == ER.DUP_ENTRY:
            return ProblemError(CONFLICT, f"There is one already: {error}.")
        case DataRefusedError():
            return ProblemError(INVALID, f"MySQL does not take it: {error}.")
        case DatabaseError():
            return ProblemError(AWAY, f"MySQL cannot be asked: {error}; `posto doctor` says more.", headers=_LATER)
        case KafkaError() | BatchRuntimeError():
            return ProblemError(AWAY, f"Kafka did not take it: {error}; `posto doctor` says more.", headers=_LATER)
        case ResponseValidationError():
            log.error("answer_off_its_schema", errors=[(each["loc"], each["msg"]) for each in error.errors()])
    return error


ERRORS: Final = (ProblemError, RequestValidationError, OperatorError, DatabaseError, KafkaError, BatchRuntimeError)
HANDLERS: Final = dict.fromkeys((*ERRORS, HTTPException, Exception), answer)
"""What `answer` is called for."""


def _invalid(errors: Sequence[Any]) -> ProblemError:
    if errors and errors[0]["type"] == "json_invalid":
        return ProblemError(MALFORMED, f"The body is not JSON: {errors[0]['ctx']['error']}.")
    wrong = [WrongField(field=_path(each["loc"]), message=_said(each)) for each in errors]
    names = ", ".join(dict.fromkeys(each.field for each in wrong))
    return ProblemError(INVALID, f"What was sent is not what the contract says: {names}.", errors=wrong)


def _path(location: Iterable[str | int]) -> str:
    """As `body.pace.seconds`, `body.items[3]` or `query.limit`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _said(error: Any) -> str:
    return str(error["msg"]).removeprefix("Value error, ")
