"""Answers that are not the usual ones: what each fault looks like on the wire."""

from typing import Final

from starlette.responses import HTMLResponse, JSONResponse, Response

from infra.simulator.connections import DroppedConnection
from infra.simulator.faults import Fault, FaultKind

_PAGE: Final = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>nginx</body></html>"
_PAGES: Final[dict[FaultKind, str]] = {
    FaultKind.HTTP_502: "502 Bad Gateway",
    FaultKind.HTTP_503: "503 Service Temporarily Unavailable",
    FaultKind.HTTP_504: "504 Gateway Time-out",
}
_REFUSALS: Final[dict[FaultKind, tuple[int, str]]] = {
    FaultKind.HTTP_400: (400, "Parâmetro inválido: text é obrigatório"),
    FaultKind.HTTP_401: (401, "Unauthorized"),
    FaultKind.HTTP_403: (403, "Forbidden"),
    FaultKind.HTTP_404: (404, "Canal não encontrado"),
    FaultKind.HTTP_422: (422, "Parâmetro inválido: to"),
    FaultKind.HTTP_429: (429, "Too many requests"),
    FaultKind.HTTP_500: (500, "Internal server error"),
    FaultKind.INVALID_QR: (500, "Invalid QR code response"),
    FaultKind.NUMBER_NOT_FOUND: (400, "O número informado não existe."),
    FaultKind.SUCCESS_FALSE: (200, "Falha ao enviar mensagem"),
}


def refusal(status: int, words: str) -> JSONResponse:
    """An error in the gateway's own words."""
    return JSONResponse({"success": False, "error": words}, status)


def fault_answer(fault: Fault) -> Response:
    """The answer of a fault; a hang that delivers nothing ends as the proxy in front ends it, with 504."""
    response = _answer(FaultKind.HTTP_504 if fault.kind is FaultKind.HANG else fault.kind)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response


def _answer(kind: FaultKind) -> Response:
    if kind in _PAGES:
        return HTMLResponse(_PAGE.format(_PAGES[kind]), int(_PAGES[kind][:3]))
    if kind in _REFUSALS:
        return refusal(*_REFUSALS[kind])
    match kind:
        case FaultKind.DROP:
            return DroppedConnection()
        case FaultKind.EMPTY_BODY:
            return Response(b"", media_type="application/json")
        case FaultKind.QR_NOT_READY:
            return JSONResponse({"success": True, "status": "initializing"})
        case FaultKind.NOT_JSON:
            return Response(b"OK", media_type="text/plain")
        case FaultKind.HTTP_302:
            return Response(status_code=302, headers={"Location": "/login"})
        case FaultKind.HTTP_401_BASIC:
            headers = {"WWW-Authenticate": 'Basic realm="gateway"'}
            return HTMLResponse(_PAGE.format("401 Authorization Required"), 401, headers)
        case _:
            raise ValueError(f"{kind} changes no answer")


__all__ = ["fault_answer", "refusal"]
