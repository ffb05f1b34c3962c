"""Every error is an RFC 9457 document."""

import httpx
import pytest

from adapters.edge.log import LogFullError, LogUnavailableError
from tests.adapters.edge.recording import RecordingLog

EVENT = {"source_system": "erp", "event_type": "order.paid"}


def document(answer: httpx.Response) -> dict[str, object]:
    """The problem document, after a look at what all of them have."""
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, object] = answer.json()
    assert found["status"] == answer.status_code
    assert found["title"]
    return found


async def test_an_unknown_path_is_a_problem(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/api/nothing")
    assert (answer.status_code, document(answer)["type"]) == (404, "urn:posto:problem:not-found")


async def test_a_trailing_slash_is_another_path_and_no_redirect(producer: httpx.AsyncClient) -> None:
    assert document(await producer.post("/api/events/", json=EVENT))["status"] == 404


@pytest.mark.parametrize("path", ["/api/events", "/api/whatsapp/webhook"])
async def test_another_method_is_a_problem_that_names_the_right_one(stranger: httpx.AsyncClient, path: str) -> None:
    answer = await stranger.get(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert document(answer)["type"] == "urn:posto:problem:method-not-allowed"


async def test_a_log_that_is_away_asks_to_come_back(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    log.error = LogUnavailableError("Kafka did not confirm within 5 s.")
    answer = await producer.post("/api/events", json=EVENT)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    found = document(answer)
    assert (found["type"], found["detail"]) == ("urn:posto:problem:unavailable", "Kafka did not confirm within 5 s.")


async def test_a_full_log_asks_to_come_back_soon(producer: httpx.AsyncClient, log: RecordingLog) -> None:
    log.error = LogFullError("Kafka confirms more slowly than records come.")
    answer = await producer.post("/api/events", json=EVENT)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert document(answer)["type"] == "urn:posto:problem:overloaded"


async def test_a_client_that_waits_to_send_its_body_is_let_go_with_the_connection(stranger: httpx.AsyncClient) -> None:
    waiting = await stranger.post("/api/events", content=b"{}", headers={"expect": "100-continue"})
    assert (waiting.status_code, waiting.headers.get("connection")) == (401, "close")
    sending = await stranger.post("/api/events", content=b"{}")
    assert sending.headers.get("connection") is None
