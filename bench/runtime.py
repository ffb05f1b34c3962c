"""What the runtime costs by itself: consume, decode, a keyed table, produce, and nearly nothing in between."""

from bench.course import CPU
from bench.result import Result
from bench.router import LOOP, OURS, QUIX, STOCK, stage_race


async def measure(servers: str, *, quick: bool) -> list[Result]:
    """As `router`, without its rules: what of that one's cost is none of ours."""
    standing = await stage_race("runtime", "dedupe", servers, quick=quick)
    peers = (STOCK, QUIX, LOOP)
    return [
        *standing.results(),
        *(standing.ratio(OURS, peer) for peer in peers),
        *(standing.thrift(OURS, peer, CPU) for peer in peers),
    ]
