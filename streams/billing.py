"""What a billing payload says, whatever its producer calls it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from streams import formats

_NAME: Final = ("name", "customer_name", "client_name", "nome")
_CUSTOMER: Final = ("customer", "client", "cliente")
_TEXTS: Final = {
    "service": ("service", "description", "servico", "plan"),
    "link": ("link", "payment_link", "payment_url", "url", "invoice_url", "boleto_url"),
    "pix": ("pix", "pix_code", "pix_copy_paste", "pix_copia_e_cola"),
    "number": ("number", "numero", "invoice_number"),
}
_REQUIRED: Final = {
    "amount": ("amount", "value", "valor"),
    "due_date": ("due_date", "due", "vencimento"),
}
MOMENTS: Final = (
    (-3, "pre_due"),
    (-1, "pre_due"),
    (0, "due_day"),
    (1, "overdue_1d"),
    (3, "overdue_3d"),
    (7, "overdue_7d"),
    (15, "overdue_15d"),
)
"""When a bill is worth a message: days from its due date, and the stage that begins or goes on then."""


def variables(payload: Mapping[str, Any], today: date | None) -> dict[str, Any]:
    """The billing variables of a payload, under one name each.

    - `name`: whom the message addresses.
    - `invoices`: those of `payload.invoices`, else the payload as the only one. Each has what it came with, and
      `service`, `link`, `pix`, `number` (None where absent), `amount`, `due_date` (left out where absent).
    - the same six by themselves: what the only invoice says, else what the payload says outside of `invoices`.
    - `total`: the sum of all amounts; None where one of them is absent or no amount.
    - `days_overdue`: days from the earliest due date to `today`, negative before it; None without one of them.
    - `stage`: by these days `pre_due` (from three days before), `due_day`, `overdue_1d`, `overdue_3d`, `overdue_7d`,
      `overdue_15d`; None earlier.

    Where `total`, `days_overdue` or `stage` is None, a field of the payload with this name stands.
    """
    own = _invoice(payload)
    listed = payload.get("invoices")
    items = listed if isinstance(listed, list) and listed else [listed] if isinstance(listed, dict) else []
    invoices = [_invoice(item) if isinstance(item, Mapping) else _invoice({}) for item in items] or [own]
    if len(invoices) == 1:
        own = own | {field: value for field, value in invoices[0].items() if value is not None}
    due = _earliest(invoices)
    days = (today - due).days if due and today else None
    reckoned = {"total": _total(invoices), "days_overdue": days, "stage": stage(days)}
    return {
        **{field: own[field] for field in (*_TEXTS, *_REQUIRED) if field in own},
        **{field: payload.get(field) if value is None else value for field, value in reckoned.items()},
        "name": _name(payload),
        "invoices": invoices,
    }


def stage(days: int | None) -> str | None:
    """The stage so many days from the due date; None where it is too early for any."""
    return next((name for least, name in reversed(MOMENTS) if days is not None and days >= least), None)


def due_date(payload: Mapping[str, Any]) -> date | None:
    """The day by which stages are counted: the earliest due date of all invoices; None where one has none."""
    invoices: list[dict[str, Any]] = variables(payload, None)["invoices"]
    return _earliest(invoices)


def _invoice(source: Mapping[str, Any]) -> dict[str, Any]:
    texts = {field: _first(source, names, str) for field, names in _TEXTS.items()}
    required = {field: _first(source, names, object) for field, names in _REQUIRED.items()}
    return {**source, **texts, **{field: value for field, value in required.items() if value is not None}}


def _first(source: Mapping[str, Any], names: tuple[str, ...], kind: type) -> Any:
    """The first of these fields that says something: no null, no blank text."""
    for name in names:
        value = source.get(name)
        if isinstance(value, str):
            value = value.strip() or None
        if value is not None and isinstance(value, kind):
            return value
    return None


def _name(payload: Mapping[str, Any]) -> str | None:
    found: str | None = _first(payload, _NAME, str)
    for field in _CUSTOMER:
        customer = payload.get(field)
        if found is None and isinstance(customer, Mapping):
            found = _first(customer, _NAME, str)
    return found


def _total(invoices: list[dict[str, Any]]) -> Decimal | None:
    try:
        return sum((formats.amount(invoice.get("amount")) for invoice in invoices), Decimal(0))
    except ValueError:
        return None


def _earliest(invoices: list[dict[str, Any]]) -> date | None:
    try:
        return min(formats.day(invoice.get("due_date")) for invoice in invoices)
    except ValueError:
        return None
