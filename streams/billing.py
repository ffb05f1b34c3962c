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
_FIRST_REMINDER: Final = -3
_STAGES: Final = ((15, "overdue_15d"), (7, "overdue_7d"), (3, "overdue_3d"), (1, "overdue_1d"), (0, "due_day"))


def variables(payload: Mapping[str, Any], today: date | None) -> dict[str, Any]:
    """The billing variables of a payload, under one name each.

    - `name`: whom the message addresses.
    - `invoices`: those of `payload.invoices`, else the payload as the only one. Each has what it came with, and
      `service`, `link`, `pix`, `number` (None where absent), `amount`, `due_date` (left out where absent).
    - the same six by themselves: what the only invoice says, else what the payload says outside of `invoices`.
    - `total`: the sum of all amounts; None where one of them is absent or no amount.
    - `stage`: days from the earliest due date, as `pre_due` (three days before), `due_day`, `overdue_1d`,
      `overdue_3d`, `overdue_7d`, `overdue_15d`; None earlier, or without a due date or `today`.
    """
    own = _invoice(payload)
    listed = payload.get("invoices")
    items = listed if isinstance(listed, list) and listed else [listed if isinstance(listed, dict) else payload]
    invoices = [_invoice(item) if isinstance(item, Mapping) else _invoice({}) for item in items]
    if len(invoices) == 1:
        own |= {field: value for field, value in invoices[0].items() if value is not None}
    return {
        **{field: own[field] for field in (*_TEXTS, *_REQUIRED) if field in own},
        "name": _name(payload),
        "invoices": invoices,
        "total": _total(invoices),
        "stage": _stage(invoices, today),
    }


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


def _stage(invoices: list[dict[str, Any]], today: date | None) -> str | None:
    try:
        due = min(formats.day(invoice.get("due_date")) for invoice in invoices)
    except ValueError:
        return None
    if today is None:
        return None
    days = (today - due).days
    if _FIRST_REMINDER <= days < 0:
        return "pre_due"
    return next((stage for least, stage in _STAGES if days >= least), None)
