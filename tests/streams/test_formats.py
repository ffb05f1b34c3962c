from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import formats


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.56, "R$ 1.234,56"),
        (0, "R$ 0,00"),
        (7, "R$ 7,00"),
        (1_234_567, "R$ 1.234.567,00"),
        ("1234.5", "R$ 1.234,50"),
        ("1234,5", "R$ 1.234,50"),
        ("1.234,56", "R$ 1.234,56"),
        ("R$ 1.234,56", "R$ 1.234,56"),
        ("R$1.234", "R$ 1.234,00"),
        (" 99.90 ", "R$ 99,90"),
        (Decimal("0.125"), "R$ 0,13"),
        (1.005, "R$ 1,01"),
        (2.675, "R$ 2,68"),
        (0.1 + 0.2, "R$ 0,30"),
        (-5.5, "-R$ 5,50"),
        (-0.001, "R$ 0,00"),
        ("1e3", "R$ 1.000,00"),
    ],
)
def test_an_amount_is_written_as_brazilians_read_it(value: Any, text: str) -> None:
    assert formats.brl(value) == text


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "abc",
        "1,234.56",
        "12.34,56",
        "1_000",
        "１２",
        "R$",
        "1,234",
        float("nan"),
        float("inf"),
        1e15,
        "1e999",
        pytest.param(10**5000, id="an endless number"),
        [1],
        {"amount": 1},
    ],
)
def test_what_is_no_amount_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"is not an amount|Exceeds the limit"):
        formats.brl(value)


@given(st.decimals(min_value=-(10**14), max_value=10**14, allow_nan=False, places=4))
def test_reading_back_what_was_written_gives_the_amount_rounded_half_up(value: Decimal) -> None:
    text = formats.brl(value)
    assert formats.amount(text) == value.quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert formats.brl(str(value)) == text


@pytest.mark.parametrize(
    "value",
    [
        date(2026, 1, 5),
        datetime(2026, 1, 5, 23, 59, tzinfo=UTC),
        datetime(2026, 1, 5, 0, 0, tzinfo=timezone(timedelta(hours=-3))),
        "2026-01-05",
        "2026-01-05T00:00:00Z",
        "2026-01-05T23:00:00.000-03:00",
        "2026-01-05 10:00:00",
        " 05/01/2026 ",
    ],
)
def test_a_day_is_the_one_that_is_written(value: Any) -> None:
    assert formats.date_br(value) == "05/01/2026"


@pytest.mark.parametrize("value", [None, 0, 1768512935, True, "", "amanhã", "31/02/2026", "2026-13-01", "1/2/2026", []])
def test_what_is_no_day_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a date"):
        formats.date_br(value)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Maria Souza", "Maria"),
        ("  MARIA SOUZA ", "Maria"),
        ("joão", "João"),
        ("McGregor Silva", "McGregor"),
        ("Dr. João Reis", "João"),
        ("Sra.", "Sra."),
    ],
)
def test_the_first_name_is_what_one_is_called(name: str, first: str) -> None:
    assert formats.first_name(name) == first


@pytest.mark.parametrize("value", ["", "  ", None, 5, ["Maria"]])
def test_what_is_no_name_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        formats.first_name(value)


@pytest.mark.parametrize("read", [formats.amount, formats.day, formats.first_name])
def test_an_error_says_the_kind_of_a_value_and_never_the_value(read: Callable[[Any], Any]) -> None:
    for secret in ("99991234x", {"phone": "99991234x"}):
        with pytest.raises(ValueError, match=r"^(a text of 9 characters|a dict|a list) is not") as failure:
            read(secret if read is not formats.first_name else [secret])
        assert "9999" not in str(failure.value)
