"""One line an event, whoever writes it, without secrets and with phones masked."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from infra.logging import LIBRARIES, MASKED, Discretion, Repeats, configure, secrets_of
from infra.settings import Settings, load

PHONE = "5547999990001"
TRACE = "0af7651912345678901234567890319c"
EVENT = "12345678-1234-5234-8234-123456789012"

Lines = Callable[[], list[dict[str, Any]]]


def settings(**changes: object) -> Settings:
    secrets: dict[str, object] = {
        "event_ingestion_secret": "ingest-one,ingest-two",
        "posto_admin_token": "admin-token",
        "wpp_gateway_secret": "gate",
        "mysql_dsn": "mysql://posto:pa%2Fss@127.0.0.1:3306/posto",
    }
    return load(_env_file=None, **(secrets | changes))


@pytest.fixture
def restored() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    saved = structlog.get_config()
    handlers, level = root.handlers[:], root.level
    levels = {library: logging.getLogger(library).level for library in LIBRARIES}
    yield
    structlog.configure(**saved)
    root.handlers, root.level = handlers, level
    for library, before in levels.items():
        logging.getLogger(library).setLevel(before)


@pytest.fixture
def lines(restored: None) -> Lines:
    """Configure JSON logs; the function returns what was written so far."""
    stream = io.StringIO()
    configure(settings(), "edge", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def discreet(**event: Any) -> dict[str, Any]:
    return dict(Discretion(secrets_of(settings()))(None, "info", event))


def test_our_events_and_those_of_libraries_have_one_form(lines: Lines) -> None:
    structlog.get_logger("ours").info("kafka_connected", topics=2)
    logging.getLogger("theirs").warning("it is %s", "late")
    ours, theirs = lines()
    assert (ours["event"], ours["topics"], ours["logger"], ours["level"]) == ("kafka_connected", 2, "ours", "info")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("it is late", "theirs", "warning")
    for line in (ours, theirs):
        assert line["process"] == "edge"
        assert line["timestamp"].endswith("Z")


def test_a_line_below_the_level_is_not_written(lines: Lines) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("theirs").debug("detail")
    logging.getLogger("aiokafka.client").info("chatter")
    assert lines() == []


def test_a_traceback_is_one_line_without_secrets_or_phones(lines: Lines) -> None:
    def fail() -> None:
        raise ValueError(f"admin-token of {PHONE}")

    for log in (structlog.get_logger(), logging.getLogger("theirs")):
        try:
            fail()
        except ValueError:
            log.exception("failed")
    assert len(lines()) == 2
    for line in lines():
        assert "Traceback" in line["exception"]
        assert "admin-token" not in str(line)
        assert PHONE not in str(line)


def test_console_logs_are_discreet_too(restored: None) -> None:
    stream = io.StringIO()
    configure(settings(posto_log_format="console"), "edge", stream)
    structlog.get_logger().warning("sent", to=PHONE, detail="admin-token")
    assert "sent" in stream.getvalue()
    assert f"{MASKED}0001" in stream.getvalue()
    assert PHONE not in stream.getvalue()
    assert "admin-token" not in stream.getvalue()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (PHONE, "***0001"),
        (int(PHONE), "***0001"),
        (f"+{PHONE}@c.us", "+***0001@c.us"),
        (f"false_{PHONE}@c.us_3EB0AA01", "false_***0001@c.us_3EB0AA01"),
        (f"tel{PHONE}x", "tel***0001x"),
        ("12345678", "***5678"),
        ("1234567", "1234567"),
        (12345, 12345),
        (1.23456789012, 1.23456789012),
        (True, True),
        (None, None),
        ([PHONE, {"to": PHONE, PHONE: 1}], ["***0001", {"to": "***0001", "***0001": 1}]),
        (ValueError(PHONE), "ValueError('***0001')"),
        (PHONE.encode(), "b'***0001'"),
        (f"{TRACE} {EVENT}", f"{TRACE} {EVENT}"),
        ("raw.event/3@1234567890", "raw.event/3@1234567890"),
        ("2026-01-15T21:35:35.123456Z", "2026-01-15T21:35:35.123456Z"),
    ],
)
def test_of_a_phone_only_the_end_is_shown_wherever_it_stands(value: object, shown: object) -> None:
    assert discreet(value=value) == {"value": shown}


def test_ids_are_shown_whole_where_they_are_fields() -> None:
    ids = {"trace_id": "12345678901234567890", "event_id": EVENT, "raw_id": "1234567890", "offset": 12345678901}
    assert discreet(**ids) == ids


@pytest.mark.parametrize("name", ["secret", "X-Webhook-Secret", "authorization", "password", "mysql_dsn", "apiKey"])
def test_a_field_that_is_named_like_a_secret_is_hidden(name: str) -> None:
    assert discreet(**{name: "value", "nested": {name: "value"}}) == {name: MASKED, "nested": {name: MASKED}}


@pytest.mark.parametrize("secret", ["ingest-one", "ingest-two", "admin-token", "gate", "pa/ss", "pa%2Fss"])
def test_no_secret_of_the_settings_is_ever_shown(secret: str) -> None:
    assert discreet(detail=f"<{secret}>") == {"detail": f"<{MASKED}>"}


def test_a_secret_that_holds_another_is_hidden_whole() -> None:
    shown = discreet(detail="mysql://posto:pa%2Fss@127.0.0.1:3306/posto")
    assert shown == {"detail": MASKED}


def record(name: str = "aiokafka.client", message: object = "Unable to connect to %s") -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, message, ("k",) if isinstance(message, str) else (), None)


def test_a_repetitive_logger_is_heard_ten_times_in_ten_seconds_and_then_says_what_was_held_back() -> None:
    now = 0.0
    repeats = Repeats(("aiokafka",), lambda: now)
    assert [repeats.filter(record()) for _ in range(25)] == [True] * 10 + [False] * 15
    assert repeats.filter(record(message="another")), "another message is another matter"
    assert all(repeats.filter(record("adapters.edge.kafka")) for _ in range(25)), "other loggers are not limited"
    now = 10.0
    again = record()
    assert repeats.filter(again)
    assert again.getMessage() == "Unable to connect to k (and 15 more like it before)"
    assert [repeats.filter(record()) for _ in range(10)] == [True] * 9 + [False]


def test_repeated_events_of_ours_are_counted_by_event_and_status() -> None:
    now = 0.0
    repeats = Repeats(("ours",), lambda: now)
    for status in (503, 401):
        for _ in range(12):
            repeats.filter(record("ours", {"event": "request_failed", "status": status, "trace_id": "t"}))
    now = 10.0
    again = record("ours", {"event": "request_failed", "status": 503})
    assert repeats.filter(again)
    assert again.msg == {"event": "request_failed", "status": 503, "held_back": 2}
