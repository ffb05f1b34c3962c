"""`posto send`: an event made by hand goes by either door, and is followed to what becomes of it."""

import json
from typing import Any

import pytest

from infra.following import followed
from infra.hand_made_events import door, put_together, send
from infra.settings import Settings
from tests.e2e.hub import Hub, invoice, number, unique

pytestmark = pytest.mark.e2e


async def sent(settings: Settings, event: dict[str, Any], kafka: bool = False) -> tuple[str, bool, list[str]]:
    """What became of an event, whether that is well, and the steps in between."""
    submission = put_together(event, {}, {})
    await send(submission, *door(settings, edge=None, kafka=kafka), patience=30)
    steps: list[str] = []
    outcome = await followed(settings, submission, 30, steps.append)
    return outcome.said, outcome.went_well, steps


async def test_an_event_is_followed_to_its_end_by_whichever_door_it_came(hub: Hub) -> None:
    settings, to = hub.stack.settings(), number()
    bill = invoice(to)
    said, went_well, steps = await sent(settings, bill)
    assert said in ("sent", "delivered", "read")
    assert went_well
    assert steps[-1] == said
    assert len(await hub.messages(to)) == 1
    assert (await sent(settings, bill, kafka=True))[:2] == ("duplicate", True)
    assert (await sent(settings, bill | {"payload": {"x": 1}}, kafka=True))[:2] == ("conflict", False)
    assert len(await hub.messages(to)) == 1


async def test_an_event_that_comes_to_nothing_says_why(hub: Hub) -> None:
    settings = hub.stack.settings()
    said, went_well, _ = await sent(settings, invoice(number(), payload={"phone": number()}))
    assert said.startswith("rejected (")
    assert not went_well
    unruled = {"source_system": "erp", "event_type": "nobody.asked", "external_id": unique("X")}
    assert (await sent(settings, unruled, kafka=True))[:2] == ("no_rule", True)


async def test_the_command_prints_what_finds_the_event(hub: Hub) -> None:
    options = ["-s", "erp", "-t", "order.paid", "-i", unique("O"), "-p", '{"amount": 12.5}', "--trace-id", unique("T")]
    done = hub.stack.posto("send", *options, "--follow", "--json")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed == {
        "event_id": printed["event_id"],
        "idempotency_key": f"erp|{options[5]}|order.paid",
        "trace_id": options[9],
        "status": "no_rule",
    }
    row = await hub.event(printed["event_id"], "no_rule")
    assert (row["trace_id"], json.loads(row["payload"])) == (options[9], {"amount": 12.5})
    refused = hub.stack.posto("send", "-s", "erp", "-t", "two words")
    assert refused.returncode == 2
    assert refused.stderr.startswith("posto: The event was not sent. event_type: ")
