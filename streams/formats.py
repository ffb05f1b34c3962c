"""Amounts and dates as Brazilian readers write them, and as producers send them."""

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

_CENT: Final = Decimal("0.01")
_TOO_MUCH: Final = Decimal(10) ** 15
_REAIS: Final = r"(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)"
_BRAZILIAN_AMOUNT: Final = re.compile(rf"-?(?:R\$\s*{_REAIS}(?:,[0-9]{{1,2}})?|{_REAIS},[0-9]{{1,2}})")
_PLAIN_AMOUNT: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_BRAZILIAN_DATE: Final = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_SWAP: Final = str.maketrans(",.", ".,")


def amount(value: Any) -> Decimal:
    """Read an amount of reais: a number, or a text such as `1234.56`, `1.234,56` or `R$ 1.234,56`.

    A float is taken by its shortest decimal form, so 1.005 is 1.005. ValueError says what is wrong.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise _not(value, "an amount")
    text = str(value).strip()
    if _BRAZILIAN_AMOUNT.fullmatch(text):
        text = re.sub(r"[R$.\s]", "", text).replace(",", ".")
    if not _PLAIN_AMOUNT.fullmatch(text) or abs(number := Decimal(text)) >= _TOO_MUCH:
        raise _not(value, "an amount")
    return number


def brl(value: Any) -> str:
    """An amount as `R$ 1.234,56`, rounded half up to the cent; ValueError where it is none."""
    cents = amount(value).quantize(_CENT, ROUND_HALF_UP)
    sign = "-" if cents < 0 else ""
    return f"{sign}R$ {abs(cents):,.2f}".translate(_SWAP)


def day(value: Any) -> date:
    """Read a calendar day: a date, or a text such as `2026-01-15`, `2026-01-15T00:00:00Z` or `15/01/2026`.

    The day is the one that is written: midnight in UTC is not the evening before in São Paulo. ValueError says what
    is wrong.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise _not(value, "a date")
    text = value.strip()
    try:
        if brazilian := _BRAZILIAN_DATE.fullmatch(text):
            return date(int(brazilian[3]), int(brazilian[2]), int(brazilian[1]))
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise _not(value, "a date") from None


def date_br(value: Any) -> str:
    """A day as dd/mm/yyyy; ValueError where it is none."""
    read = day(value)
    return f"{read.day:02}/{read.month:02}/{read.year:04}"


def first_name(value: Any) -> str:
    """The first name of a person, a title left out: `Maria` of `MARIA SOUZA`, `João` of `Dr. João Reis`.

    Only a name in capitals or small letters throughout gets other ones. ValueError where it is no text.
    """
    words = value.split() if isinstance(value, str) else []
    if not words:
        raise _not(value, "a name")
    first: str = next((word for word in words if not word.endswith(".")), words[0])
    return first.capitalize() if first in {first.upper(), first.lower()} else first


def _not(value: Any, what: str) -> ValueError:
    """An error that says of what kind the value is, and never the value: it may be of somebody's life."""
    kind = f"a text of {len(value)} characters" if isinstance(value, str) else f"a {type(value).__name__}"
    return ValueError(f"{kind} is not {what}")
