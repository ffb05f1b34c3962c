from schemas.deliveries import AckStatus
from streams.sending.desk import Found
from streams.sending.waiting_evidence import WaitingEvidence
from tests.streams.sending.world import START, ack, seconds

WINDOW = 120.0


class Notes:
    """Notes in memory."""

    def __init__(self) -> None:
        self.notes: dict[bytes, bytes] = {}

    def note(self, name: bytes, value: bytes | None) -> None:
        if value is None:
            self.notes.pop(name, None)
        else:
            self.notes[name] = value


def kept(*acks: Found, most: int = 100, notes: Notes | None = None) -> WaitingEvidence:
    waiting = WaitingEvidence(notes or Notes(), WINDOW, most)
    for found in acks:
        waiting.keep(found.evidence, found.where)
    return waiting


def claimed(waiting: WaitingEvidence, channel: str, message: str) -> list[AckStatus | None]:
    return [kept.evidence.ack for kept in waiting.claim(channel, message)]


def test_evidence_is_handed_out_once_to_its_message_alone() -> None:
    waiting = kept(ack("3EB0AA01"), ack("3EB0AA01", AckStatus.READ), ack("3EB0AA02"))
    assert claimed(waiting, "outro", "3EB0AA01") == []
    assert claimed(waiting, "canalum", "3EB0AA01") == [AckStatus.DELIVERED, AckStatus.READ]
    assert claimed(waiting, "canalum", "3EB0AA01") == []
    assert len(waiting) == 1


def test_evidence_that_names_no_channel_counts_for_any() -> None:
    assert claimed(kept(ack("3EB0AA01", channel=None)), "canalum", "3EB0AA01") == [AckStatus.DELIVERED]


def test_an_ack_that_comes_again_takes_no_more_room() -> None:
    assert len(kept(*[ack("3EB0AA01")] * 3)) == 1


def test_evidence_is_forgotten_after_its_window_by_its_own_time() -> None:
    waiting = kept(
        ack("3EB0AA01"),
        ack("3EB0AA02", received_at=START + seconds(60)),
        ack("3EB0AA03", received_at=START + seconds(WINDOW + 1)),
    )
    assert claimed(waiting, "canalum", "3EB0AA01") == []
    assert claimed(waiting, "canalum", "3EB0AA02") == [AckStatus.DELIVERED]


def test_the_oldest_is_forgotten_where_there_is_too_much() -> None:
    waiting = kept(*(ack(f"3EB0AA0{number}") for number in range(5)), most=3)
    assert len(waiting) == 3
    assert claimed(waiting, "canalum", "3EB0AA01") == []
    assert claimed(waiting, "canalum", "3EB0AA02") == [AckStatus.DELIVERED]


def test_evidence_without_a_message_is_not_kept() -> None:
    assert len(kept(ack(None))) == 0


def test_what_is_noted_is_kept_by_the_next_owner_too() -> None:
    notes = Notes()
    kept(ack("3EB0AA02", received_at=START + seconds(5)), ack("3EB0AA01"), notes=notes)
    again = kept(notes=notes)
    assert [message for _, message in again.messages()] == ["3EB0AA01", "3EB0AA02"]
    assert claimed(again, "canalum", "3EB0AA01") == [AckStatus.DELIVERED]
    assert [message for _, message in kept(notes=notes).messages()] == ["3EB0AA02"]


def test_what_is_forgotten_is_noted_no_more() -> None:
    notes = Notes()
    kept(ack("3EB0AA01"), ack("3EB0AA02"), ack("3EB0AA03", received_at=START + seconds(WINDOW + 1)), notes=notes)
    assert len(notes.notes) == 1
