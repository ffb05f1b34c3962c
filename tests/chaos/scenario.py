"""What a seed means: the inputs of a run and the faults meanwhile. Pure: the same seed gives the same scenario."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from tests.chaos import failpoints, faults
from tests.chaos.failpoints import Armed
from tests.chaos.faults import Fault

SECONDS: Final = 9.0
"""How long the inputs of a run take."""

IN_A_ROW: Final = 10
"""So many seeds in a row have as many brokers: every third row has three."""

Door = Literal["http", "kafka"]
DOORS: Final[tuple[Door, ...]] = ("http", "kafka")
Policy = Literal["at_most_once", "at_least_once"]
EVENT_TYPES: Final[dict[Policy | None, str]] = {
    "at_most_once": "chaos.once",
    "at_least_once": "chaos.again",
    None: "chaos.note",
}


@dataclass(frozen=True)
class Wish:
    """One event of a producer, `at` so many seconds from the start.

    `number` is its identity: another wish with the same one is the same fact told again, a duplicate where the text is
    the same too. `policy` None: an event that asks for no message. `ordered`: it has the contact as ordering key, and
    its producer waits for the answer before it sends the next one of this contact.
    """

    at: float
    number: int
    door: Door
    channel: int
    contact: int
    text: str
    policy: Policy | None
    ordered: bool = False
    expires_in: float | None = None


@dataclass(frozen=True)
class Told:
    """One message that a contact wrote, or that somebody typed on the channel's own phone; posted `times` times."""

    at: float
    number: int
    channel: int
    contact: int
    text: str
    from_me: bool = False
    times: int = 1


@dataclass(frozen=True)
class Scenario:
    """A run: on how many brokers, how many workers it begins and ends with, what comes in, and what goes wrong.

    `armed` is the failpoint of one process, `faults` are in order of time.
    """

    seed: int
    brokers: int
    workers: int
    wishes: tuple[Wish, ...]
    told: tuple[Told, ...]
    faults: tuple[Fault, ...]
    armed: Armed | None

    def fault_names(self) -> list[str]:
        """What goes wrong, each kind once, in the words of the summary."""
        return sorted({fault.name for fault in self.faults})


def plan(seed: int, known: Sequence[str] = faults.KNOWN) -> Scenario:
    """The scenario of a seed. `known`: the faults that this machine can do."""
    chance = random.Random(seed)
    workers = chance.choice((1, 2, 2))
    wishes = [*_letters(chance), *_conversations(chance)]
    wishes += list(_repeated(chance, wishes))
    armed = failpoints.plan(chance, seed, workers)
    planned = [*faults.plan(chance, seed, workers, SECONDS, known), *_companions(chance, armed, workers)]
    brokers = 3 if seed // IN_A_ROW % 3 == 2 else 1
    if brokers > 1:
        planned = [faults.of_three(chance, fault) for fault in planned]
    return Scenario(
        seed=seed,
        brokers=brokers,
        workers=workers,
        wishes=tuple(sorted(wishes, key=lambda wish: wish.at)),
        told=tuple(_messages(chance)),
        faults=_in_order(planned),
        armed=armed,
    )


def with_faults(scenario: Scenario, names: Sequence[str]) -> Scenario:
    """The same inputs, with these faults and no failpoint."""
    chance = random.Random(scenario.seed)
    planned = [faults.planned(chance, name, scenario.workers, SECONDS) for name in names]
    return replace(scenario, faults=_in_order(planned), armed=None)


def _companions(chance: random.Random, armed: Armed, workers: int) -> Iterator[Fault]:
    """What has to go wrong for the failpoint to be reached."""
    for name in failpoints.COMPANIONS.get(armed.place, ()):
        fault = faults.planned(chance, name, workers, SECONDS)
        if fault.target.startswith("worker"):
            fault = replace(fault, target="worker-1", at=chance.uniform(4.0, 7.0), detail={"once ready": True})
        elif fault.target:
            fault = replace(fault, at=chance.uniform(1.0, SECONDS / 2))
        yield fault


def _in_order(planned: Sequence[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(planned, key=lambda fault: fault.at))


def _letters(chance: random.Random) -> list[Wish]:
    """Messages to many contacts, by every door; some with an end, some that ask for nothing."""
    found = []
    for number in range(36):
        policy: Policy | None = chance.choice(("at_most_once", "at_most_once", "at_least_once", None))
        found.append(
            Wish(
                at=chance.uniform(0, SECONDS),
                number=number,
                door=chance.choice(("http", "http", "kafka")),
                channel=chance.randrange(3),
                contact=chance.randrange(12),
                text=f"Aviso {number}",
                policy=policy,
                expires_in=chance.choice((None, None, None, None, 4.0)),
            )
        )
    return found


def _conversations(chance: random.Random) -> list[Wish]:
    """Messages to a few contacts in an order that must be kept; some say the same as one five seconds before."""
    found: list[Wish] = []
    for contact in (20, 21, 22):
        channel = chance.randrange(3)
        policy: Policy = chance.choice(("at_most_once", "at_least_once"))
        found += [
            Wish(
                at=step * 1.0 + chance.uniform(0, 0.5),
                number=contact * 100 + step,
                door="http",
                channel=channel,
                contact=contact,
                text=f"Passo {step % 5}",
                policy=policy,
                ordered=True,
            )
            for step in range(8)
        ]
    return found


def _repeated(chance: random.Random, wishes: Sequence[Wish]) -> list[Wish]:
    """The same facts told again, later, by another door, and some of them in other words."""
    found = []
    for wish in chance.sample(list(wishes), 12):
        text = wish.text if chance.random() < 0.7 else f"{wish.text} (corrigido)"
        at = min(SECONDS + 1, wish.at + chance.uniform(0, 4))
        door = wish.door if wish.ordered else chance.choice(DOORS)
        found.append(replace(wish, at=at, text=text, door=door))
    return found


def _messages(chance: random.Random) -> list[Told]:
    """What contacts write, and what somebody types on the phone, each posted once or several times."""
    return [
        Told(
            at=chance.uniform(0, SECONDS),
            number=number,
            channel=chance.randrange(3),
            contact=chance.randrange(12),
            text=f"Mensagem {number}",
            from_me=chance.random() < 0.2,
            times=chance.choice((1, 1, 2)),
        )
        for number in range(16)
    ]
