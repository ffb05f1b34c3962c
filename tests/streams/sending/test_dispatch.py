from streams.sending.dispatch import Dispatch, Line
from streams.sending.lanes import Lane
from streams.sending.slots import Slots


class Rooms:
    """A dispatch, and how often it was told of a free slot."""

    def __init__(self, slots: Slots, per_channel: int = 2) -> None:
        self.calls = 0
        self.shut: set[str] = set()
        self.asked: list[str] = []
        self.dispatch = Dispatch(slots, per_channel, self._on_free)

    def _is_open(self, lane: Lane) -> bool:
        self.asked.append(lane.channel)
        return lane.channel not in self.shut

    def _on_free(self) -> None:
        self.calls += 1

    def offer(self, *lines: Line) -> None:
        for line in lines:
            self.dispatch.offer(line, Lane(line.channel))

    def take_all(self) -> list[Line]:
        taken = []
        while place := self.dispatch.take(self._is_open):
            taken.append(place.line)
        return taken


def line(channel: str, contact: int) -> Line:
    return Line(channel, str(contact))


def test_commands_stand_in_line_as_they_came() -> None:
    dispatch = Rooms(Slots(10)).dispatch
    for key in (b"2", b"1", b"3"):
        dispatch.join(line("a", 1), key)
    dispatch.leave(line("a", 1), b"1")
    dispatch.leave(line("a", 1), b"none")
    assert list(dispatch.standing(line("a", 1))) == [b"2", b"3"]
    assert list(dispatch.standing(line("b", 1))) == []


def test_channels_take_turns() -> None:
    rooms = Rooms(Slots(10), per_channel=10)
    rooms.offer(line("a", 1), line("a", 2), line("a", 3), line("b", 1), line("c", 1))
    assert rooms.take_all() == [line("a", 1), line("b", 1), line("c", 1), line("a", 2), line("a", 3)]


def test_one_channel_takes_no_more_than_its_share() -> None:
    rooms = Rooms(Slots(10), per_channel=2)
    rooms.offer(*(line("slow", contact) for contact in range(5)), line("quick", 1))
    assert rooms.take_all() == [line("slow", 0), line("quick", 1), line("slow", 1)]
    rooms.offer(line("slow", 5), line("quick", 2))
    assert rooms.take_all() == [line("quick", 2)]
    rooms.dispatch.done(line("slow", 0))
    assert rooms.take_all() == [line("slow", 2)]


def test_a_line_with_a_request_under_way_gets_no_second_one() -> None:
    rooms = Rooms(Slots(10))
    rooms.offer(line("a", 1))
    assert rooms.take_all() == [line("a", 1)]
    rooms.offer(line("a", 1))
    assert rooms.take_all() == []
    rooms.dispatch.done(line("a", 1))
    rooms.offer(line("a", 1))
    assert rooms.take_all() == [line("a", 1)]


def test_slots_bound_all_partitions_together() -> None:
    slots = Slots(1)
    first, second = Rooms(slots), Rooms(slots)
    first.offer(line("a", 1))
    second.offer(line("b", 1))
    assert first.take_all() == [line("a", 1)]
    assert second.take_all() == []
    first.dispatch.done(line("a", 1))
    assert (first.calls, second.calls) == (0, 1)
    assert second.take_all() == [line("b", 1)]


def test_a_dispatch_that_stops_gives_its_slots_to_the_others() -> None:
    slots = Slots(2)
    leaving, staying = Rooms(slots), Rooms(slots)
    leaving.offer(line("a", 1), line("a", 2))
    leaving.take_all()
    staying.offer(line("b", 1), line("b", 2))
    assert staying.take_all() == []
    leaving.dispatch.stop()
    assert staying.take_all() == [line("b", 1), line("b", 2)]


def test_a_dispatch_is_idle_while_nothing_is_under_way() -> None:
    rooms = Rooms(Slots(1))
    states = [rooms.dispatch.is_idle]
    rooms.offer(line("a", 1))
    rooms.take_all()
    states.append(rooms.dispatch.is_idle)
    rooms.dispatch.done(line("a", 1))
    states.append(rooms.dispatch.is_idle)
    assert states == [True, False, True]


def test_a_lane_that_is_not_open_is_asked_again_once_it_is_released_and_who_came_first_goes_first() -> None:
    rooms = Rooms(Slots(10), per_channel=10)
    for contact in range(3):
        rooms.dispatch.join(line("a", contact), bytes([contact]))
    rooms.shut.add("a")
    rooms.offer(line("a", 2), line("b", 1))
    assert rooms.take_all() == [line("b", 1)]
    rooms.offer(line("a", 1), line("a", 0))
    assert rooms.take_all() == []
    assert rooms.asked.count("a") == 1
    rooms.shut.clear()
    assert rooms.take_all() == []
    rooms.dispatch.release("a")
    assert rooms.take_all() == [line("a", 0), line("a", 1), line("a", 2)]


def test_a_line_that_is_ready_in_two_lanes_sends_in_one_at_a_time() -> None:
    dispatch = Dispatch(Slots(10), 10, lambda: None)
    both = line("a", 1)
    for lane in (Lane("a"), Lane("a", "rule:bills")):
        dispatch.offer(both, lane)
    place = dispatch.take()
    assert place
    assert (place.line, dispatch.take()) == (both, None)
    dispatch.done(both)
    dispatch.offer(both, Lane("a", "rule:bills"))
    assert dispatch.take()


def test_slots_on_trial_are_given_one_by_one() -> None:
    slots = Slots(10)
    rooms = Rooms(slots, per_channel=10)
    rooms.offer(*(line("a", contact) for contact in range(9)))
    slots.only(2)
    assert len(rooms.take_all()) == 2
    rooms.dispatch.done(line("a", 0))
    assert rooms.take_all() == []
    slots.allow(1)
    assert (rooms.calls, len(rooms.take_all())) == (1, 1)
    slots.only(0)
    assert rooms.take_all() == []
    slots.only(None)
    assert len(rooms.take_all()) == 6
