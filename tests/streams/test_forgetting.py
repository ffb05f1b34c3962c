"""What is forgotten of the keys that were seen."""

from datetime import timedelta

from schemas.events import Coordinates, Decision, Kind
from streams import quarantine
from streams.forgetting import Forgetting
from streams.runtime import BatchApp, RuntimeConfig
from streams.seen import Seen
from tests.streams.samples import RECEIVED_AT
from tests.streams.test_sightings import Rows

KEEP = timedelta(days=30)


def entry(age: timedelta) -> bytes:
    received_at = (RECEIVED_AT - age).timestamp()
    place = Coordinates("raw.event", 0, 0)
    return Seen(place, "f" * 32, 1, Kind.ACCEPTED, received_at, Decision(action="none")).encode(0)


async def test_keys_that_do_not_count_any_more_leave_memory_and_nothing_else_does() -> None:
    table = BatchApp(RuntimeConfig({"bootstrap_servers": "127.0.0.1:1"})).batch_table("seen")
    rows = Rows()
    quarantine.hold(rows, "canal", Coordinates("raw.webhook", 0, 1))  # its range has a key of 16 bytes, as an event has
    young = {b"%016d" % number: entry(KEEP - timedelta(seconds=1)) for number in range(1_500)}
    old = {b"%016d" % number: entry(KEEP + timedelta(seconds=1)) for number in range(1_500, 4_000)}
    table._held[3].data.update(young | old | rows.data)

    forgotten = await Forgetting(table, keep=KEEP, now=lambda: RECEIVED_AT).sweep()

    assert forgotten == len(old)
    assert dict(table.items(3)) == young | rows.data
