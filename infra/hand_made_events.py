"""One event made by hand: put together, checked as the edge checks, sent by one of the two doors, and followed."""

import json
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

from adapters.edge.arrivals import Arrival
from adapters.edge.problems import ProblemError
from adapters.edge.submissions import Submission, Submitter
from infra.doors import Door, edge_door, kafka_door
from infra.errors import OperatorError
from infra.patience import kafka_of, patiently
from infra.settings import Settings
from streams.normalization.decoding import decode_object
from streams.normalization.errors import NormalizationError

SOURCE: Final = "posto send"
"""The header `source` of what is sent so."""


class WrongEventError(OperatorError):
    """The event is not what the contract says; it was not sent."""

    exit_code = 2


class RefusedEventError(OperatorError):
    """The event was sent, and the hub will never take it."""


def read(source: str | None) -> dict[str, Any]:
    """The object of a JSON file, of standard input with `-`, or an empty one; WrongEventError where it holds none."""
    if source is None:
        return {}
    try:
        value = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return decode_object(value)
    except OSError as error:
        raise WrongEventError(f"{source} cannot be read: {error.strerror}.") from None
    except NormalizationError as error:
        raise WrongEventError(f"{source} holds no event: {error}.") from None


def read_payload(text: str | None) -> dict[str, Any]:
    """The object that was typed; WrongEventError where it is none."""
    try:
        return decode_object(text.encode()) if text is not None else {}
    except NormalizationError as error:
        raise WrongEventError(f"--payload: {error}.") from None


def put_together(event: Mapping[str, Any], fields: Mapping[str, Any], payload: Mapping[str, Any]) -> Submission:
    """Check an event, its `fields` and what is in its `payload` replaced by what was given; None replaces nothing.

    WrongEventError names every field that is wrong.
    """
    body = {**event, **{name: value for name, value in fields.items() if value is not None}}
    given = {name: value for name, value in payload.items() if value is not None}
    if given:
        held = body.get("payload") or {}
        if not isinstance(held, dict):
            raise WrongEventError("payload: expected object; nothing can be added to it.")
        body["payload"] = {**held, **given}
    value = json.dumps(body, ensure_ascii=False).encode()
    try:
        return Submitter(Arrival(SOURCE, {}), None, None).submit(value)
    except ProblemError as problem:
        raise WrongEventError(f"The event was not sent. {problem.detail}") from None


def door(settings: Settings, *, edge: str | None, kafka: bool) -> tuple[AbstractAsyncContextManager[Door], str]:
    """The door that was asked for, and who must answer behind it; the edge of this machine where none was."""
    if kafka and edge:
        raise WrongEventError("--kafka and --edge are two ways; choose one.")
    if kafka:
        return kafka_door(settings), kafka_of(settings)
    url = edge or settings.edge_url
    return edge_door(settings, url), f"the edge at {url}"


async def send(
    submission: Submission, through: AbstractAsyncContextManager[Door], behind: str, patience: float
) -> None:
    """Return once the event is kept. RefusedEventError where it never will be, GaveUpError after `patience` seconds."""

    async def put() -> str | None:
        async with through as opened:
            return (await opened.put([submission]))[0]

    if refused := await patiently(put(), patience, behind):
        raise RefusedEventError(f"The event was refused: {refused}")
