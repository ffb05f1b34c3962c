"""Kafka away under webhooks, and MySQL away under invoices: nothing is lost, and nobody notices but the tables."""

from bench.result import Result
from tests.support.database_outage import database_outage
from tests.support.outage import outage
from tests.support.stack import Stack

RATE = 200
INVOICES = 20
AWAY_SECONDS = 60.0


async def measure(stack: Stack, *, quick: bool) -> list[Result]:
    """Stop each for a minute: Kafka under 200 webhooks a second, on 20 channels; MySQL under 20 invoices a second.

    Each invoice is one message on one channel; all of them are at the gateway before MySQL is back.
    """
    away = AWAY_SECONDS / 6 if quick else AWAY_SECONDS
    return [*await _kafka(stack, away), *await _mysql(stack, away)]


async def _kafka(stack: Stack, away: float) -> list[Result]:
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


async def _mysql(stack: Stack, away: float) -> list[Result]:
    outcome = await database_outage(stack, rate=INVOICES, away_seconds=away)
    name = f"MySQL away for {away:g} s under {INVOICES} invoices/s:"
    return [
        Result("outage", f"{name} invoices", len(outcome.away), "events"),
        Result(
            "outage",
            f"{name} answered otherwise than 202",
            outcome.statuses.total() - outcome.statuses[202],
            "events",
            at_most=0,
        ),
        Result("outage", f"{name} messages sent twice", outcome.doubles, "messages", at_most=0),
        Result("outage", f"{name} POST to gateway, median, times that before", outcome.slower, "x"),
        Result("outage", f"{name} all rows there after its return", outcome.caught_up_seconds, "s"),
    ]
