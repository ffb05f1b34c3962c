"""MySQL goes away under traffic, for as long as a test may take; `ONLY=outage make bench` does it for a minute."""

import pytest

from tests.support.database_outage import database_outage
from tests.support.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


async def test_while_mysql_is_away_everything_is_taken_and_sent_once_and_the_tables_catch_up(stack: Stack) -> None:
    outcome = await database_outage(stack, rate=20, away_seconds=6)
    assert set(outcome.statuses) == {202}
    assert outcome.doubles == 0
