"""Kafka away under webhooks: every one is answered 202, accepted once, and in order per channel."""

from bench.result import Result
from tests.support.outage import outage
from tests.support.stack import Stack

RATE = 200
AWAY_SECONDS = 60.0


async def measure(stack: Stack, *, quick: bool) -> list[Result]:
    """Stop Kafka for a minute under 200 webhooks a second, on 20 channels."""
    away = AWAY_SECONDS / 6 if quick else AWAY_SECONDS
    outcome = await outage(stack, rate=RATE, away_seconds=away)
    asked, kept = sum(outcome.statuses.values()), sum(map(len, outcome.kept.values()))
    accepted = sum(map(len, outcome.accepted.values()))
    out_of_order = sum(outcome.accepted[channel] != sent for channel, sent in outcome.sent.items())
    name = f"Kafka away for {away:g} s under {RATE} webhooks/s:"
    return [
        Result("outage", f"{name} webhooks", asked, "requests"),
        Result("outage", f"{name} answered otherwise than 202", asked - kept, "requests", at_most=0),
        Result("outage", f"{name} answered 202 and not accepted once", abs(kept - accepted), "events", at_most=0),
        Result("outage", f"{name} channels whose events are not in order", out_of_order, "channels", at_most=0),
        Result("outage", f"{name} second raw records of a raw id", outcome.doubles, "records"),
        Result("outage", f"{name} answer, p99", outcome.p99_ms, "ms"),
        Result("outage", f"{name} all accepted after its return", outcome.caught_up_seconds, "s"),
    ]
