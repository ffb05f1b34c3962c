from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from streams import billing

TODAY = date(2026, 1, 15)


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("amount", "amount"),
        ("amount", "value"),
        ("amount", "valor"),
        ("due_date", "due_date"),
        ("due_date", "due"),
        ("due_date", "vencimento"),
        ("service", "service"),
        ("service", "description"),
        ("service", "servico"),
        ("service", "plan"),
        ("link", "link"),
        ("link", "payment_link"),
        ("link", "payment_url"),
        ("link", "url"),
        ("link", "invoice_url"),
        ("link", "boleto_url"),
        ("pix", "pix"),
        ("pix", "pix_code"),
        ("pix", "pix_copy_paste"),
        ("pix", "pix_copia_e_cola"),
        ("number", "numero"),
    ],
)
def test_a_field_has_one_name_whatever_the_producer_calls_it(field: str, name: str) -> None:
    alone = billing.variables({name: "x"}, TODAY)
    assert alone[field] == "x"
    assert alone["invoices"][0][field] == "x"
    assert billing.variables({"invoices": [{name: "x"}]}, TODAY)["invoices"][0][field] == "x"


@pytest.mark.parametrize(
    "payload",
    [
        {"name": "Maria"},
        {"customer_name": " Maria "},
        {"client_name": "Maria"},
        {"nome": "Maria"},
        {"name": "", "nome": "Maria"},
        {"name": None, "customer": {"name": "Maria"}},
        {"name": {"first": "M"}, "cliente": {"nome": "Maria"}},
    ],
)
def test_the_name_is_found(payload: dict[str, Any]) -> None:
    assert billing.variables(payload, TODAY)["name"] == "Maria"


def test_what_is_optional_is_none_and_what_is_required_is_left_out() -> None:
    variables = billing.variables({}, TODAY)
    assert {name: variables[name] for name in ("name", "service", "link", "pix", "number", "total", "stage")} == (
        dict.fromkeys(("name", "service", "link", "pix", "number", "total", "stage"))
    )
    assert "amount" not in variables
    assert "due_date" not in variables["invoices"][0]


def test_the_only_invoice_speaks_for_itself_and_the_payload_fills_in() -> None:
    payload = {"service": "Pacote", "payment_link": "https://pay", "invoices": [{"valor": 10, "servico": "Internet"}]}
    variables = billing.variables(payload, TODAY)
    assert (variables["amount"], variables["service"], variables["link"]) == (10, "Internet", "https://pay")


def test_several_invoices_are_listed_with_their_total() -> None:
    payload = {
        "link": "https://all",
        "invoices": [
            {"amount": 0.1, "due_date": "2026-01-10", "extra": 1},
            {"valor": "1.000,20", "vencimento": "2026-01-12"},
        ],
    }
    variables = billing.variables(payload, TODAY)
    assert [invoice["amount"] for invoice in variables["invoices"]] == [0.1, "1.000,20"]
    assert variables["invoices"][0]["extra"] == 1
    assert variables["total"] == Decimal("1000.3")
    assert variables["link"] == "https://all"
    assert "amount" not in variables


def test_an_amount_that_is_none_leaves_no_total() -> None:
    assert billing.variables({"invoices": [{"amount": 1}, {"amount": "?"}]}, TODAY)["total"] is None
    assert billing.variables({"invoices": [{"amount": 1}, 5]}, TODAY)["total"] is None


@pytest.mark.parametrize("invoices", [[], None, {"amount": 5}])
def test_invoices_that_are_no_list_of_several_count_as_one(invoices: Any) -> None:
    assert billing.variables({"amount": 5, "invoices": invoices}, TODAY)["total"] == 5


@pytest.mark.parametrize(
    ("due", "stage"),
    [
        ("2026-01-19", None),
        ("2026-01-18", "pre_due"),
        ("2026-01-17", "pre_due"),
        ("2026-01-16", "pre_due"),
        ("2026-01-15", "due_day"),
        ("2026-01-14", "overdue_1d"),
        ("2026-01-13", "overdue_1d"),
        ("2026-01-12", "overdue_3d"),
        ("2026-01-09", "overdue_3d"),
        ("2026-01-08", "overdue_7d"),
        ("2026-01-01", "overdue_7d"),
        ("2025-12-31", "overdue_15d"),
        ("2020-01-01", "overdue_15d"),
        ("amanhã", None),
    ],
)
def test_the_stage_follows_from_the_due_date(due: str, stage: str | None) -> None:
    assert billing.variables({"due_date": due}, TODAY)["stage"] == stage


def test_the_earliest_due_date_makes_the_stage() -> None:
    payload = {"invoices": [{"due_date": "2026-01-20"}, {"due_date": "2026-01-12"}]}
    assert billing.variables(payload, TODAY)["stage"] == "overdue_3d"
    assert billing.variables(payload, None)["stage"] is None


def test_the_days_are_counted_from_the_earliest_due_date() -> None:
    payload = {"invoices": [{"due_date": "2026-01-20"}, {"due_date": "2026-01-18"}]}
    assert billing.variables(payload, TODAY)["days_overdue"] == -3
    assert billing.due_date(payload) == date(2026, 1, 18)
    assert billing.variables(payload, None)["days_overdue"] is None
    assert billing.due_date({"invoices": [{"due_date": "2026-01-20"}, {}]}) is None


def test_the_moments_are_those_of_their_stages() -> None:
    assert [billing.stage(days) for days, _ in billing.MOMENTS] == [name for _, name in billing.MOMENTS]
    assert billing.stage(-4) is None


def test_what_is_not_reckoned_leaves_the_payloads_own_field() -> None:
    variables = billing.variables({"total": 5, "stage": "lead", "due_date": "?"}, TODAY)
    assert (variables["total"], variables["stage"]) == (5, "lead")
    reckoned = billing.variables({"total": 5, "stage": "lead", "amount": 1, "due_date": "2026-01-15"}, TODAY)
    assert (reckoned["total"], reckoned["stage"]) == (1, "due_day")
