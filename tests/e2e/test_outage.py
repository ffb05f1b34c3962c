"""Kafka goes away under traffic, for as long as a test may take; `ONLY=outage make bench` does it for a minute."""

import pytest

from tests.e2e.hub import Hub
from tests.support.outage import outage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


async def test_while_kafka_is_away_every_webhook_is_answered_202_and_accepted_once_in_order(hub: Hub) -> None:
    outcome = await outage(hub.stack, rate=100, away_seconds=8)
    assert set(outcome.statuses) == {202}
    assert outcome.accepted == outcome.sent
    for channel, kept in outcome.kept.items():
        assert list(dict.fromkeys(outcome.raw[channel])) == kept
