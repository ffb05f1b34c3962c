"""A receipt that is not settled in time is told of, once, and those that are settled are not."""

import asyncio

from adapters.edge.deadlines import Deadlines
from adapters.edge.receipts import Receipt
from tests.support.waiting import eventually


async def test_only_what_is_not_settled_in_time_is_told_and_the_oldest_first() -> None:
    late: list[Receipt] = []
    deadlines = Deadlines(0.02, late.append)
    first, settled, last = Receipt(1), Receipt(1), Receipt(1)
    for receipt in (first, settled, last):
        deadlines.watch(receipt)
    settled.confirm()
    await eventually(lambda: len(late) >= 2)
    assert late == [first, last]


async def test_nobody_is_told_before_the_time_has_passed() -> None:
    loop = asyncio.get_running_loop()
    told: list[float] = []
    deadlines = Deadlines(0.03, lambda _: told.append(loop.time()))
    begun = loop.time()
    deadlines.watch(Receipt(1))
    await asyncio.wait([asyncio.create_task(_soon())])
    between = loop.time()
    deadlines.watch(Receipt(1))
    await eventually(lambda: len(told) == 2)
    assert told[0] >= begun + 0.03
    assert told[1] >= between + 0.03


async def test_a_receipt_that_comes_after_all_were_told_has_its_time_too() -> None:
    late: list[Receipt] = []
    deadlines = Deadlines(0.01, late.append)
    deadlines.watch(Receipt(1))
    await eventually(lambda: len(late) == 1)
    deadlines.watch(Receipt(1))
    await eventually(lambda: len(late) == 2)


async def test_whoever_is_told_may_watch_the_next_one() -> None:
    late: list[Receipt] = []

    def again(receipt: Receipt) -> None:
        late.append(receipt)
        if len(late) < 3:
            deadlines.watch(Receipt(1))

    deadlines = Deadlines(0.01, again)
    deadlines.watch(Receipt(1))
    await eventually(lambda: len(late) == 3)


async def _soon() -> None:
    await asyncio.get_running_loop().run_in_executor(None, lambda: None)
