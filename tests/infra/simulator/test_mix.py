"""The mix is what the field notes counted in production, and the same for the same seed."""

from collections import Counter, defaultdict

import msgspec
import pytest

from infra.simulator import mix
from infra.simulator.mix import NOISE, Planned, What
from schemas import event_types
from streams.normalization import webhooks
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord

MIX = mix.make(1)


def of(*whats: What) -> list[Planned]:
    return [planned for planned in MIX if planned.what in whats]


def test_it_counts_what_production_counted() -> None:
    counted = Counter(planned.what for planned in MIX)
    assert counted[What.PRESENCE] == 16_956
    assert counted[What.LABEL] == 2_076
    assert counted[What.STATUS] + counted[What.CHANNEL_STATE] == 61
    assert counted[What.ACK] == 95
    assert counted[What.REACTION] == 3
    assert len({planned.message_key for planned in of(What.INBOUND)}) == 53
    assert len({planned.message_key for planned in of(What.OWN)}) == 33


def test_a_seed_makes_the_same_bodies_and_another_one_other_messages() -> None:
    assert mix.make(1) == MIX
    other = {planned.message_key for planned in mix.make(2)} - {None}
    assert other.isdisjoint(planned.message_key for planned in MIX)


def test_it_is_in_the_order_of_time_and_lasts_two_days() -> None:
    times = [planned.at for planned in MIX]
    assert times == sorted(times)
    assert 47 * 3600 < times[-1] - times[0] < 50 * 3600


def test_one_message_is_emitted_up_to_three_times_within_a_second_with_ids_of_its_own_each_time() -> None:
    emissions = defaultdict(list)
    for planned in of(What.INBOUND):
        emissions[planned.message_key].append(planned)
    for said in emissions.values():
        whole = [planned for planned in said if planned.body["raw"]["payload"]["type"] != "ciphertext"]
        assert 1 <= len(whole) <= 3
        assert said[-1].at - said[0].at <= 2
    ids = [planned.body["event_id"] for planned in MIX if "event_id" in planned.body]
    assert len(set(ids)) == len(ids)


def test_a_shell_comes_before_the_text_and_at_times_after_it() -> None:
    shells = {True: 0, False: 0}
    seen: set[str | None] = set()
    for planned in of(What.INBOUND):
        if planned.body["raw"]["payload"]["type"] == "ciphertext":
            shells[planned.message_key in seen] += 1
        seen.add(planned.message_key)
    assert shells[False] > shells[True] > 0


def test_voice_notes_bring_their_bytes_in_the_text() -> None:
    lengths = {len(planned.body["message"]["text"]) for planned in of(What.INBOUND)}
    assert 88_000 in lengths


def test_the_hub_sees_as_noise_what_is_noise_and_nothing_else() -> None:
    for offset, planned in enumerate(MIX):
        raw = RawRecord.of("raw.webhook", 0, offset, 1_768_512_936_000)
        found = webhooks.normalize(msgspec.json.encode(planned.body), raw)
        assert isinstance(found, Noise) == (planned.what in NOISE), planned


@pytest.mark.parametrize(
    ("what", "event_type"),
    [
        (What.INBOUND, event_types.INBOUND_MESSAGE),
        (What.OWN, event_types.OUTBOUND_MESSAGE),
        (What.ACK, event_types.DELIVERY_ACK),
        (What.CHANNEL_STATE, event_types.CONNECTION_UPDATE),
        (What.REACTION, event_types.MESSAGE_REACTION),
    ],
)
def test_the_rest_is_what_it_says_it_is(what: What, event_type: str) -> None:
    for offset, planned in enumerate(of(what)):
        raw = RawRecord.of("raw.webhook", 0, offset, 1_768_512_936_000)
        found = webhooks.normalize(msgspec.json.encode(planned.body), raw)
        assert event_type in repr(found), planned
