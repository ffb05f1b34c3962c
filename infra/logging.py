"""Logs: one line an event, of our code and of the libraries alike, without secrets and with phones masked."""

import logging
import re
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, TextIO
from urllib.parse import quote

import structlog
from pydantic import SecretStr
from structlog.stdlib import ProcessorFormatter
from structlog.types import EventDict, Processor, WrappedLogger

from infra.settings import Settings, parse_dsn

LIBRARIES: Final = ("aiokafka", "faust", "mode", "httpx", "httpcore")
"""Heard from level warning on: below that they tell their own story, not the hub's."""

REPETITIVE: Final = (*LIBRARIES, "adapters.edge.observation")
"""Loggers that say one thing hundreds of times while a broker is away."""

MASKED: Final = "***"

_SHOWN_AS_THEY_ARE = frozenset(
    {"trace_id", "event_id", "command_id", "raw_id", "correlation_id", "traceparent", "offset", "coordinates"}
)
_SECRET_NAME = re.compile(r"secret|passw|token|authorization|api_?key|dsn", re.IGNORECASE)
_DIGITS = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"  # a UUID is no phone,
    r"|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"  # nor is a trace id,
    r"|[\w.-]+/\d+@\d+"  # nor where a record lies
    r"|(?P<hidden>\d{4,})(?P<shown>\d{4})"
)
_SHORTEST_PHONE = 10**9
_SHORTEST_SECRET = 4
_REPEAT_SECONDS = 10.0
_REPEATS = 10


def configure(settings: Settings, process: str, stream: TextIO | None = None) -> None:
    """Send all logs of this process to `stream` (standard error), as POSTO_LOG_FORMAT and POSTO_LOG_LEVEL say.

    `process` names it in every line.
    """
    stream = stream or sys.stderr
    level = getattr(logging, settings.posto_log_level.upper())
    named: list[Processor] = [structlog.stdlib.add_logger_name, structlog.stdlib.add_log_level]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *named, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    is_json = settings.posto_log_format == "json"
    formatter = ProcessorFormatter(
        foreign_pre_chain=named,
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            Discretion(secrets_of(settings)),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            lambda _logger, _method, event: {"process": process, **event},
            structlog.processors.JSONRenderer(ensure_ascii=False)
            if is_json
            else structlog.dev.ConsoleRenderer(colors=stream.isatty()),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    handler.addFilter(Repeats(REPETITIVE))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for library in LIBRARIES:
        logging.getLogger(library).setLevel(max(level, logging.WARNING))


def mask_phones(text: str) -> str:
    """Of every run of eight or more digits show the last four; UUIDs, trace ids and Kafka coordinates stay."""
    return _DIGITS.sub(_masked, text)


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Every secret that the settings hold, each part of a list by itself, the longest first."""
    held = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    for dsn in filter(None, (settings.mysql_dsn.get_secret_value(), settings.posto_outbox_dsn.get_secret_value())):
        password = parse_dsn(dsn).password.get_secret_value()
        held += [password, quote(password, safe="")]
    parts = {part.strip() for secret in held for part in (secret, *secret.split(","))}
    return tuple(sorted((part for part in parts if len(part) >= _SHORTEST_SECRET), key=len, reverse=True))


class Discretion:
    """A structlog processor that hides secrets, by their value and by their field's name, and masks phones.

    Of a run of eight or more digits the last four are shown. Fields with ids stay as they are: one looks for them.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secrets)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Clean one event."""
        return {name: self._field(name, value) for name, value in event.items()}

    def _field(self, name: object, value: object) -> Any:
        if name in _SHOWN_AS_THEY_ARE:
            return value
        if isinstance(name, str) and _SECRET_NAME.search(name):
            return MASKED
        return self._clean(value)

    def _clean(self, value: object) -> Any:
        match value:
            case None | bool() | float():
                return value
            case int():
                return value if abs(value) < _SHORTEST_PHONE else self._text(str(value))
            case str():
                return self._text(value)
            case dict():
                return {self._clean(name): self._field(name, item) for name, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._clean(item) for item in value]
            case _:
                return self._text(repr(value))

    def _text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASKED)
        return mask_phones(text)


def _masked(match: re.Match[str]) -> str:
    return match[0] if match["shown"] is None else f"{MASKED}{match['shown']}"


class Repeats(logging.Filter):
    """Lets a line of a repetitive logger through ten times in ten seconds, then says how many were held back."""

    def __init__(self, loggers: tuple[str, ...], clock: Callable[[], float] = time.monotonic) -> None:
        """`loggers` are names or their beginnings."""
        super().__init__()
        self._loggers = loggers
        self._clock = clock
        self._seen: dict[tuple[object, ...], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record goes through."""
        if not record.name.startswith(self._loggers):
            return True
        message: object = record.msg
        kind = (message.get("event"), message.get("status")) if isinstance(message, dict) else (message,)
        key = (record.name, record.levelno, *kind)
        now = self._clock()
        since, count = self._seen.get(key, (now, 0))
        if now - since < _REPEAT_SECONDS:
            self._seen[key] = (since, count + 1)
            return count < _REPEATS
        self._seen[key] = (now, 1)
        if (held_back := count - _REPEATS) > 0:
            _add_count(record, held_back)
        return True


def _add_count(record: logging.LogRecord, held_back: int) -> None:
    if isinstance(record.msg, dict):
        record.msg = {**record.msg, "held_back": held_back}
    else:
        record.msg = f"{record.msg} (and {held_back} more like it before)"
