import pytest

from tests.support.waiting import eventually


async def test_the_value_that_came_true_is_returned() -> None:
    answers = iter([None, 0, "there"])
    assert await eventually(lambda: next(answers), interval=0) == "there"


async def test_a_coroutine_function_can_be_the_condition() -> None:
    async def check() -> int:
        return 7

    assert await eventually(check) == 7


async def test_an_assertion_that_fails_means_not_yet() -> None:
    tries = iter(range(10))

    def check() -> bool:
        assert next(tries) == 3
        return True

    assert await eventually(check, interval=0)


async def test_after_the_deadline_it_says_why() -> None:
    with pytest.raises(AssertionError, match=r"^the row is there \(within 0.01 s\)$"):
        await eventually(lambda: False, timeout=0.01, because="the row is there")


async def test_after_the_deadline_the_last_assertion_is_raised() -> None:
    def check() -> bool:
        raise AssertionError("2 rows, expected 1")

    with pytest.raises(AssertionError, match="2 rows, expected 1"):
        await eventually(check, timeout=0.01)
