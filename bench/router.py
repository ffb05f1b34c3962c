"""The router's stage (consume, decode, dedupe table, rules, produce) on our runtime and on others', in one process."""

from functools import partial

from bench.course import CPU, ROUTER, Course
from bench.peers import quix_packages
from bench.processes import Racer
from bench.race import ROUNDS, Standing, race
from bench.result import Result

OURS, STOCK, QUIX, LOOP = "posto", "stock Faust", "Quix Streams", "aiokafka by hand, its table lost"

_PARTITIONS = 8


async def measure(servers: str, *, quick: bool) -> list[Result]:
    """All do our router's own work. Checked: every event once, in its key's order."""
    standing = await stage_race("router", ROUTER, servers, quick=quick)
    return [
        *standing.results(),
        standing.ratio(OURS, STOCK, at_least=25),
        standing.ratio(OURS, QUIX, at_least=4),
        standing.ratio(OURS, LOOP, at_least=0.6),
        *(standing.thrift(OURS, peer, CPU) for peer in (STOCK, QUIX, LOOP)),
    ]


async def stage_race(bench: str, stage: str, servers: str, *, quick: bool) -> Standing:
    """Let all run a stage; the slow ones get a part of the backlog, lest a round takes minutes."""
    total = 20_000 if quick else 200_000
    course = Course(servers, _PARTITIONS, total, is_normalized=True)
    await course.prepare()
    await course.run(Racer("bench.peers.loop"), [stage], total // 4)  # a broker's first race is slow, whoever runs it
    quix = Racer("bench.peers.quix", {"PYTHONPATH": str(await quix_packages.installed())})
    return await race(
        bench,
        {
            OURS: partial(course.run, Racer("bench.peers.ours"), [stage], total),
            LOOP: partial(course.run, Racer("bench.peers.loop"), [stage], total),
            QUIX: partial(course.run, quix, [stage], total // 4),
            STOCK: partial(course.run, Racer("bench.peers.faust_stock"), [stage], total // 10),
        },
        1 if quick else ROUNDS,
    )
