"""What is held for a channel without an owner."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Coordinates
from streams.quarantine import AT_ONCE, channel_of, held, hold, is_holding, let_go, row_of
from tests.streams.test_sightings import Rows


class CountingRows(Rows):
    looks = 0

    def get(self, key: bytes) -> bytes | None:
        self.looks += 1
        return super().get(key)


CHANNELS = ("canalum", "canal", "café")


def place(offset: int) -> Coordinates:
    return Coordinates("raw.webhook", 0, offset)


steps = st.lists(st.tuples(st.sampled_from(CHANNELS), st.booleans(), st.integers(0, 6)), max_size=40)


@given(steps)
def test_it_is_a_list_in_the_order_of_arrival_per_channel(taken: list[tuple[str, bool, int]]) -> None:
    rows = Rows()
    expected: dict[str, list[Coordinates]] = {channel: [] for channel in CHANNELS}
    newest: dict[str, Coordinates | None] = {}
    for channel, comes, offset in taken:
        places = expected[channel]
        if comes:
            hold(rows, channel, place(offset))
            if newest.get(channel) != place(offset):  # else it is another event of the same record
                places.append(place(offset))
                newest[channel] = place(offset)
        else:
            let_go(rows, channel, place(offset))
            if place(offset) in places:
                places.remove(place(offset))
            if place(offset) not in places and newest.get(channel) == place(offset):
                newest[channel] = None

    assert {channel: list(held(rows.get, channel)) for channel in CHANNELS} == expected
    holding = {channel for channel in CHANNELS if expected[channel]}
    assert {channel for channel in CHANNELS if is_holding(rows, channel)} == holding
    assert {channel_of(key) for key in rows.data} - {None} == holding
    assert len(rows.data) == len(holding) + sum(map(len, expected.values()))


def test_two_events_of_one_record_are_held_by_its_one_place() -> None:
    rows = Rows()
    hold(rows, "canalum", place(1))
    hold(rows, "canalum", place(1))

    assert list(held(rows.get, "canalum")) == [place(1)]


def test_what_was_given_up_is_forgotten_and_costs_the_next_events_nothing() -> None:
    rows = Rows()
    for offset in range(3):
        hold(rows, "canalum", place(offset))
        rows.set(row_of(rows.get, "canalum", place(offset)) or b"", None)

    assert not is_holding(rows, "canalum")
    assert rows.data == {}


def test_looking_for_what_is_not_held_costs_the_same_however_much_is_held() -> None:
    rows = CountingRows()
    for offset in range(10 * AT_ONCE):
        hold(rows, "canalum", place(offset))
    rows.looks = 0

    let_go(rows, "canalum", place(-1))

    assert rows.looks <= AT_ONCE + 2
