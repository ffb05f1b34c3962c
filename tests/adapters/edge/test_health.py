"""Alive is one thing, ready another."""

import httpx

from adapters.edge.log import LogUnavailableError
from tests.adapters.edge.recording import RecordingLog


async def test_an_edge_is_alive_whatever_kafka_does(stranger: httpx.AsyncClient, log: RecordingLog) -> None:
    log.error = LogUnavailableError("Kafka has not answered yet.")
    answer = await stranger.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_an_edge_is_ready_while_its_log_is(stranger: httpx.AsyncClient, log: RecordingLog) -> None:
    assert (await stranger.get("/readyz")).json() == {"status": "ready"}
    log.error = LogUnavailableError("Kafka lacks the topic raw.event: run `posto topics apply`.")
    answer = await stranger.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["detail"] == "Kafka lacks the topic raw.event: run `posto topics apply`."


async def test_an_edge_that_keeps_requests_says_what_is_not_as_it_should_be(
    stranger: httpx.AsyncClient, log: RecordingLog
) -> None:
    log.caveat = "There is no spool."
    answer = await stranger.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "detail": "There is no spool."})


async def test_metrics_are_in_the_text_format_of_prometheus(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "# TYPE posto_edge_requests_total counter" in answer.text
