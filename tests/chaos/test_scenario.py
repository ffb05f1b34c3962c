import random
from collections import Counter

from tests.chaos import failpoints, faults
from tests.chaos.scenario import plan

SEEDS = range(300)


def test_the_same_seed_is_the_same_scenario_and_another_seed_another_one() -> None:
    assert plan(7) == plan(7)
    assert len({str(plan(seed)) for seed in SEEDS}) == len(SEEDS)


def test_three_hundred_seeds_meet_every_fault_and_arm_every_failpoint_five_times() -> None:
    scenarios = [plan(seed) for seed in SEEDS]
    met = Counter(name for scenario in scenarios for name in scenario.fault_names())
    armed = Counter(scenario.armed.place for scenario in scenarios if scenario.armed)
    assert {name for name in (*faults.KNOWN, *faults.ONE_OF_THREE.values()) if met[name] < 5} == set()
    assert {place for place in failpoints.ALL if armed[place] < 5} == set()


def test_every_failpoint_meets_another_fault_each_time_round() -> None:
    first = {
        (scenario.armed.place, faults.plan(random.Random(0), scenario.seed, 1, 9.0)[0].name)
        for scenario in map(plan, SEEDS)
        if scenario.armed
    }
    assert len(first) == len(SEEDS)


def test_a_scenario_repeats_some_facts_in_the_same_words_and_some_in_others() -> None:
    by_number: dict[int, set[str]] = {}
    wishes = [wish for seed in range(5) for wish in plan(seed).wishes]
    for wish in wishes:
        by_number.setdefault(wish.number, set()).add(wish.text)
    assert any(len(texts) > 1 for texts in by_number.values())
    assert len(wishes) > len(by_number)


def test_a_machine_without_a_fault_gets_scenarios_without_it() -> None:
    known = [name for name in faults.KNOWN if name not in faults.CLOCKS]
    assert not any(set(faults.CLOCKS) & set(plan(seed, known).fault_names()) for seed in SEEDS)


def test_every_failpoint_of_the_code_is_armed_by_some_seed() -> None:
    assert failpoints.in_code() == {place.partition("[")[0] for place in failpoints.ALL}
