"""What is said about the records of one event: shells, updates, redeliveries, quarantine."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.configuration import Template
from schemas.events import Coordinates, Event, Kind
from streams import quarantine, revisions
from streams.configuration import Configuration
from streams.dedupe import judge
from streams.sightings import Said, sight
from tests.streams.samples import event
from tests.streams.samples_configuration import configuration, usual

KEEP = timedelta(days=30)
CHANNEL = "canalum"
ENTRY = b"k"
TEXT = "fingerprint of a text"


@dataclass
class Rows:
    """The table of one partition."""

    data: dict[bytes, bytes] = field(default_factory=dict)

    def get(self, key: bytes) -> bytes | None:
        return self.data.get(key)

    def set(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self.data.pop(key, None)
        else:
            self.data[key] = value


@dataclass
class Router:
    """The router's steps for one key."""

    configuration: Configuration
    rows: Rows = field(default_factory=Rows)

    def take(self, record: Event, *, is_released: bool = False, redrive: str | None = None) -> Said:
        entry = self.rows.get(ENTRY)
        verdict, seen = judge(entry, record, KEEP)
        said = sight(verdict, seen, record, self.configuration, self.rows, is_released=is_released, redrive=redrive)
        if said.remembered is not None:
            self.rows.set(ENTRY, said.remembered.encode(0))
        return said

    def held(self) -> list[Coordinates]:
        return list(quarantine.held(self.rows.get, CHANNEL))


def bill(offset: int, revision: int = revisions.COMPLETE, fingerprint: str = TEXT, channel: str = CHANNEL) -> Event:
    """An event that is answered with a message, so that each routing can be counted."""
    if revision == revisions.SHELL:
        fingerprint = f"shell {offset}"
    return event(
        payload={"to": "5547999990001", "name": "Ana"},
        channel=channel,
        raw=Coordinates("raw.webhook", 0, offset),
        revision=revision,
        fingerprint=fingerprint,
    )


def kinds(router: Router, records: Sequence[Event]) -> list[Kind]:
    return [router.take(record).kind for record in records]


def test_a_shell_is_recorded_and_its_text_is_routed_as_an_update() -> None:
    router = Router(usual())

    shell, text, again = (router.take(record) for record in (bill(0, revisions.SHELL), bill(1), bill(2)))

    assert (shell.kind, shell.commands) == (Kind.ACCEPTED, ())
    assert shell.decision is not None
    assert (shell.decision.action, "shell" in (shell.decision.reason or "")) == ("none", True)
    assert (text.kind, len(text.commands)) == (Kind.UPDATED, 1)
    assert (again.kind, again.commands) == (Kind.DUPLICATE, ())


def test_a_shell_after_the_text_changes_nothing() -> None:
    router = Router(usual())
    router.take(bill(0))
    before = dict(router.rows.data)

    assert router.take(bill(1, revisions.SHELL)).kind is Kind.DUPLICATE
    assert router.rows.data == before


def test_two_shells_are_duplicates_whatever_stands_in_them() -> None:
    assert kinds(Router(usual()), [bill(0, revisions.SHELL), bill(1, revisions.SHELL)]) == ["accepted", "duplicate"]


def test_what_is_better_known_is_an_update_without_a_second_command() -> None:
    router = Router(usual())
    first = router.take(bill(0))

    fetched = router.take(bill(1, revisions.MEDIA_READY))

    assert (fetched.kind, fetched.commands, fetched.decision) == (Kind.UPDATED, (), first.decision)
    assert not fetched.is_told
    assert router.take(bill(2, revisions.MEDIA_FAILED)).kind is Kind.DUPLICATE


def test_another_content_is_a_conflict_also_where_it_tells_more() -> None:
    router = Router(usual())
    router.take(bill(0))

    assert router.take(bill(1, fingerprint="other")).kind is Kind.CONFLICT
    assert router.take(bill(2, revisions.MEDIA_READY, "other")).kind is Kind.CONFLICT


@pytest.mark.parametrize("now", [usual(), configuration()], ids=["the same rules", "no rules"])
def test_every_redelivery_says_the_same_again_whatever_the_rules_say_now(now: Configuration) -> None:
    router = Router(usual())
    records = [bill(0, revisions.SHELL), bill(1), bill(2, revisions.MEDIA_READY)]
    first = [router.take(record) for record in records]
    before = dict(router.rows.data)

    router.configuration = now
    again = [router.take(record) for record in records]

    assert [msgspec.structs.replace(said, remembered=None) for said in first] == again
    assert router.rows.data == before


def test_an_unknown_channel_is_held_and_decided_once_it_is_released() -> None:
    router = Router(usual())
    held = bill(0, channel="canaldois")
    assert router.take(held).kind is Kind.QUARANTINED
    assert list(quarantine.held(router.rows.get, "canaldois")) == [held.raw]

    still = router.take(held, is_released=True)
    assert (still.kind, still.commands) == (Kind.QUARANTINED, ())
    assert list(quarantine.held(router.rows.get, "canaldois")) == [held.raw]


def test_a_repetition_of_what_is_held_says_so() -> None:
    """Whoever reads of it must not take the channel for a known one."""
    router = Router(usual())
    held, again = (router.take(bill(offset, channel="canaldois")) for offset in (0, 1))
    assert again == Said(kind=Kind.DUPLICATE, decision=held.decision)


def test_what_was_held_is_released_in_order_and_what_comes_meanwhile_waits_behind_it() -> None:
    router = Router(configuration())
    held = [bill(0, revisions.SHELL), bill(1), bill(2, revisions.MEDIA_READY)]
    assert kinds(router, held) == ["quarantined"] * 3

    router.configuration = usual()
    duplicate = router.take(bill(3, revisions.MEDIA_READY))
    released = [router.take(record, is_released=True) for record in held]

    assert duplicate.kind is Kind.DUPLICATE
    assert [said.kind for said in released] == ["accepted", "updated", "updated"]
    assert [len(said.commands) for said in released] == [0, 1, 0]
    assert router.held() == []
    assert not [key for key in router.rows.data if key != ENTRY]
    again = [router.take(record, is_released=True) for record in held]
    assert [msgspec.structs.replace(said, remembered=None) for said in released] == again


def test_an_update_that_comes_while_its_shell_is_held_waits_too() -> None:
    router = Router(configuration())
    router.take(bill(0, revisions.SHELL))
    router.configuration = usual()

    update = router.take(bill(1))

    assert (update.kind, update.commands) == (Kind.QUARANTINED, ())
    assert update.decision is not None
    assert "waits behind" in (update.decision.reason or "")
    assert router.held() == [bill(0).raw, bill(1).raw]


def test_what_says_the_same_as_a_younger_one_is_let_go_when_it_is_released_and_holds_up_nobody() -> None:
    router = Router(configuration())
    old, young = bill(0), bill(1)
    young.received_at += 2 * KEEP
    assert kinds(router, [old, young]) == ["quarantined"] * 2
    router.configuration = usual()

    assert router.take(old, is_released=True).kind is Kind.DUPLICATE
    assert router.held() == [young.raw]
    assert len(router.take(young, is_released=True).commands) == 1
    assert router.held() == []


def test_what_contradicts_a_younger_one_is_let_go_when_it_is_released() -> None:
    router = Router(configuration())
    old, young = bill(0), bill(1, fingerprint="other")
    young.received_at += 2 * KEEP
    assert kinds(router, [old, young]) == ["quarantined"] * 2
    router.configuration = usual()

    assert router.take(old, is_released=True).kind is Kind.CONFLICT
    assert router.held() == [young.raw]


def test_the_text_of_a_shell_in_the_same_record_is_an_update() -> None:
    router = Router(usual())
    shell, text = bill(0, revisions.SHELL), bill(0)

    assert kinds(router, [shell, text]) == ["accepted", "updated"]
    assert kinds(router, [shell, text]) == ["accepted", "updated"]


def hole(offset: int = 0, fingerprint: str = "hole") -> Event:
    """A bill that is rejected while its template wants a name."""
    return msgspec.structs.replace(bill(offset, fingerprint=fingerprint), payload={"to": "5547999990001"})


def mended() -> Configuration:
    """The usual rules with a template that wants nothing."""
    return usual([Template(id="overdue", body="Sua fatura venceu.", version=6)])


def test_what_was_rejected_is_decided_once_when_it_is_redriven() -> None:
    router = Router(usual())
    assert router.take(hole()).kind is Kind.REJECTED
    router.configuration = mended()
    assert router.take(hole()).kind is Kind.REJECTED, "a redelivery decides nothing"

    routed = router.take(hole(), redrive="letter#1")
    assert (routed.kind, len(routed.commands), routed.is_told) == (Kind.ACCEPTED, 1, True)

    router.configuration = configuration()
    again = router.take(hole(), redrive="letter#1")
    assert again == msgspec.structs.replace(routed, remembered=None), "the same round is a redelivery"
    later = router.take(hole(), redrive="letter#2")
    assert (later.kind, later.commands, later.is_told) == (Kind.DUPLICATE, (), False)


def test_what_is_rejected_again_says_why_now_and_can_be_redriven_again() -> None:
    router = Router(usual())
    first = router.take(hole())
    router.configuration = usual([Template(id="overdue", body="{{ amount }}", version=6)])

    again = router.take(hole(), redrive="letter#1")
    router.configuration = mended()
    routed = router.take(hole(), redrive="letter#2")

    assert first.decision is not None
    assert again.decision is not None
    assert "name" in (first.decision.reason or "")
    assert (again.kind, again.is_told) == (Kind.REJECTED, True)
    assert "amount" in (again.decision.reason or "")
    assert (routed.kind, len(routed.commands)) == (Kind.ACCEPTED, 1)


@pytest.mark.parametrize("is_correction_whole", [True, False])
def test_what_was_corrected_since_is_not_sent_when_it_is_redriven(is_correction_whole: bool) -> None:
    router = Router(usual())
    router.take(hole(0))
    correction = bill(1) if is_correction_whole else hole(1, "other hole")
    router.take(correction)
    router.configuration = mended()

    superseded = router.take(hole(0), redrive="letter#1")

    assert (superseded.kind, superseded.commands, superseded.is_told) == (Kind.DUPLICATE, (), False)
    assert len(router.take(correction, redrive="another#1").commands) == (not is_correction_whole)


def test_what_was_routed_is_a_duplicate_when_it_is_redriven() -> None:
    router = Router(usual())
    router.take(bill(0))
    before = dict(router.rows.data)

    said = router.take(bill(0), redrive="letter#1")

    assert (said.kind, said.commands, said.is_told) == (Kind.DUPLICATE, (), False)
    assert router.rows.data == before


def test_what_is_redriven_to_a_channel_that_nobody_owns_any_more_is_held_and_released() -> None:
    router = Router(usual())
    router.take(hole())
    router.configuration = configuration()
    assert router.take(hole(), redrive="letter#1").kind is Kind.QUARANTINED
    assert router.held() == [hole().raw]

    router.configuration = mended()
    released = router.take(hole(), is_released=True)

    assert (released.kind, len(released.commands)) == (Kind.ACCEPTED, 1)
    assert router.held() == []


def test_an_update_that_was_rejected_is_redriven_by_its_own_record() -> None:
    router = Router(usual())
    router.take(bill(0, revisions.SHELL))
    assert router.take(hole(1)).kind is Kind.REJECTED
    router.configuration = mended()

    routed = [router.take(hole(1), redrive=f"letter#{number}") for number in (1, 1, 2)]

    assert [said.kind for said in routed] == [Kind.UPDATED, Kind.UPDATED, Kind.DUPLICATE]
    assert [len(said.commands) for said in routed] == [1, 1, 0]


def test_a_shell_that_was_redriven_is_told_again_after_its_text_was_redriven_too() -> None:
    router = Router(usual())
    shell = bill(0, revisions.SHELL)
    router.take(shell, redrive="shell#1")
    router.take(hole(1))
    router.configuration = mended()
    router.take(hole(1), redrive="text#1")

    assert router.take(shell, redrive="shell#1").kind is Kind.ACCEPTED
    assert router.take(shell, redrive="shell#2").kind is Kind.DUPLICATE


steps = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.integers(0, 4), st.booleans(), st.integers(0, 3)),
        st.tuples(st.just("rules"), st.integers(0, 2)),
    ),
    max_size=20,
)


@given(steps)
def test_whatever_is_redriven_whenever_and_however_often_there_is_one_send(taken: list[tuple[object, ...]]) -> None:
    """Only the record that was routed, in the round in which it was, ever says its command, and always the same."""
    router = Router(usual())
    rules = [usual(), mended(), configuration()]
    bodies: dict[int, Event] = {}
    commands, by = set(), set()
    for step in taken:
        if step[0] == "rules":
            router.configuration = rules[step[1]]  # type: ignore[call-overload]
            continue
        _, offset, is_whole, number = step
        record = bodies.setdefault(offset, bill(offset) if is_whole else hole(offset, f"hole {offset}"))  # type: ignore[arg-type]
        said = router.take(record, redrive=f"letter {offset}#{number}" if number else None)
        commands |= set(said.commands)
        by |= {(offset, number) for _ in said.commands if number}
    assert len(commands) <= 1
    assert len(by) <= 1


sightings = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from([revisions.SHELL, revisions.COMPLETE, revisions.MEDIA_FAILED, revisions.MEDIA_READY]),
    ),
    min_size=1,
    max_size=12,
)


@given(sightings, st.booleans())
def test_any_order_and_repetition_makes_one_command_of_all_that_has_content(
    told: list[tuple[int, int]], is_held_first: bool
) -> None:
    """`told` are record and revision; one place holds one revision."""
    revision_at: dict[int, int] = {}
    records = [bill(offset, revision_at.setdefault(offset, revision)) for offset, revision in told]
    router = Router(configuration() if is_held_first else usual())
    said = [(record, router.take(record)) for record in records]
    router.configuration = usual()
    by_place = {record.raw: record for record in records}
    while places := router.held():
        said.append((by_place[places[0]], router.take(by_place[places[0]], is_released=True)))

    routed = {record.raw for record, one in said if one.commands}
    has_content = any(record.revision > revisions.SHELL for record in records)
    assert len(routed) == has_content
    assert {command for _, one in said for command in one.commands} == (
        {command for _, one in said for command in one.commands[:1]}
    )
    _, seen = judge(router.rows.get(ENTRY), records[0], KEEP)
    assert seen is not None
    assert seen.revision == max(record.revision for record in records)
    assert Kind.CONFLICT not in {one.kind for _, one in said}
