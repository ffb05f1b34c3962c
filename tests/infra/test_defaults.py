from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.defaults import default_rules, default_templates
from schemas import event_types
from schemas.events import Action
from streams import billing
from streams.routing import RuleSet
from streams.templates import MAX_TEXT, RenderError, TemplateSet
from tests.streams.samples import RECEIVED_AT, event

OVERDUE = "billing.invoice.overdue"
PRE_DUE = "billing.invoice.pre_due"
BILL = "billing.invoice"
TEMPLATES = TemplateSet(default_templates())
INVOICE: dict[str, Any] = {
    "name": "Maria Souza",
    "service": "Internet 300 Mega",
    "amount": 1234.56,
    "due_date": "2026-01-10",
    "link": "https://pagar.example/1",
    "pix": "00020126BR.GOV.BCB.PIX",
}


def text(payload: dict[str, Any], **fields: Any) -> str:
    return TEMPLATES.render(BILL, event(OVERDUE, payload, **fields)).text


def opening(days_overdue: int, payload: dict[str, Any]) -> str:
    """What the message says after its greeting, so many days after 15/01/2026."""
    return text(payload, received_at=RECEIVED_AT + timedelta(days=days_overdue)).split("\n\n")[1]


@pytest.mark.parametrize(
    ("event_type", "action"),
    [
        ("whatsapp.inbound.message", Action.CHAT),
        (OVERDUE, Action.WHATSAPP),
        (PRE_DUE, Action.WHATSAPP),
        ("asaas.payment.received", Action.NONE),
        ("asaas.payment.a.b", Action.NONE),
        ("whatsapp.delivery.ack", Action.NONE),
        ("whatsapp.connection.update", Action.NONE),
        (event_types.OUTBOUND_MESSAGE, Action.NONE),
        (event_types.MESSAGE_REACTION, Action.NONE),
        (event_types.MESSAGE_REVOKED, Action.NONE),
        (event_types.UNKNOWN + "onnewthing", Action.NONE),
    ],
)
def test_the_default_rules_decide(event_type: str, action: Action) -> None:
    rule = RuleSet(default_rules()).choose(event(event_type))
    assert rule is not None
    assert rule.action is action
    assert rule.template == (BILL if action is Action.WHATSAPP else None)


def test_what_no_default_rule_names_is_left_alone() -> None:
    rules = RuleSet(default_rules())
    assert rules.choose(event("billing.invoice.paid")) is None
    assert rules.choose(event("asaas.payment")) is None


def test_the_defaults_are_without_fault() -> None:
    assert RuleSet(default_rules()).faults == ()
    assert TEMPLATES.faults == ()
    assert {rule.template for rule in default_rules() if rule.template} == {BILL}


def test_the_overdue_text() -> None:
    assert text(INVOICE) == (
        "Olá, Maria Souza! Tudo bem?\n"
        "\n"
        "Identificamos que a sua fatura referente a Internet 300 Mega, no valor de R$ 1.234,56, venceu em 10/01/2026 "
        "e ainda consta em aberto.\n"
        "\n"
        "Para pagar, acesse: https://pagar.example/1\n"
        "Para pagar com PIX, copie e cole o código:\n"
        "00020126BR.GOV.BCB.PIX\n"
        "\n"
        "Se o pagamento já foi feito, por favor, desconsidere este aviso. Agradecemos a atenção!"
    )


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        (-30, "Segue a sua fatura, no valor de R$ 99,90, com vencimento em 15/01/2026."),
        (-4, "Segue a sua fatura, no valor de R$ 99,90, com vencimento em 15/01/2026."),
        (-3, "Passando para lembrar que a sua fatura, no valor de R$ 99,90, vence em 15/01/2026."),
        (-2, "Passando para lembrar que a sua fatura, no valor de R$ 99,90, vence em 15/01/2026."),
        (-1, "Passando para lembrar que a sua fatura, no valor de R$ 99,90, vence amanhã, 15/01/2026."),
        (0, "Passando para lembrar que a sua fatura, no valor de R$ 99,90, vence hoje, 15/01/2026."),
        (1, "Ainda não identificamos o pagamento da sua fatura, no valor de R$ 99,90, que venceu em 15/01/2026."),
        (2, "Ainda não identificamos o pagamento da sua fatura, no valor de R$ 99,90, que venceu em 15/01/2026."),
        (3, "Identificamos que a sua fatura, no valor de R$ 99,90, venceu em 15/01/2026 e ainda consta em aberto."),
        (6, "Identificamos que a sua fatura, no valor de R$ 99,90, venceu em 15/01/2026 e ainda consta em aberto."),
        (7, "A sua fatura, no valor de R$ 99,90, venceu em 15/01/2026, há 7 dias, e continua em aberto."),
        (14, "A sua fatura, no valor de R$ 99,90, venceu em 15/01/2026, há 14 dias, e continua em aberto."),
        (15, "A sua fatura, no valor de R$ 99,90, venceu em 15/01/2026, há 15 dias, e continua em aberto."),
        (400, "A sua fatura, no valor de R$ 99,90, venceu em 15/01/2026, há 400 dias, e continua em aberto."),
    ],
)
def test_the_text_is_of_the_stage_on_the_day_it_is_written(days: int, sentence: str) -> None:
    assert opening(days, {"amount": 99.9, "due_date": "2026-01-15"}).split("\n")[0] == sentence


def test_each_stage_has_its_own_words_for_one_invoice_and_for_several() -> None:
    one = {"amount": 99.9, "due_date": "2026-01-15"}
    for payload in (one, {"invoices": [one, one]}):
        openings = [opening(days, payload).replace(f"{days} dias", "") for days, _ in billing.MOMENTS]
        alike = 0 if payload is one else 1  # a list does not tell tomorrow from in three days
        assert len(set(openings)) == len(billing.MOMENTS) - alike


def test_what_is_late_never_says_that_it_will_be_due() -> None:
    late = TEMPLATES.render(BILL, event(PRE_DUE, {"amount": 1, "due_date": "2026-01-14"})).text
    assert "venceu em 14/01/2026" in late


def test_the_sentence_adapts_to_what_is_absent() -> None:
    assert text({"valor": "99,9", "vencimento": "10/01/2026"}) == (
        "Olá! Tudo bem?\n"
        "\n"
        "Identificamos que a sua fatura, no valor de R$ 99,90, venceu em 10/01/2026 e ainda consta em aberto.\n"
        "\n"
        "Para receber o boleto ou o código PIX, responda a esta mensagem.\n"
        "\n"
        "Se o pagamento já foi feito, por favor, desconsidere este aviso. Agradecemos a atenção!"
    )


def test_several_invoices_make_one_text_with_each_and_the_total() -> None:
    payload: dict[str, Any] = {
        "nome": "Maria",
        "invoices": [
            {"plan": "Internet", "valor": 1200, "due": "2026-01-05", "boleto_url": "https://pagar.example/1"},
            {"amount": "34,56", "due_date": "2026-01-10", "pix_code": "000201"},
        ],
    }
    assert text(payload) == (
        "Olá, Maria! Tudo bem?\n"
        "\n"
        "Estas faturas continuam em aberto, a primeira há 10 dias.\n"
        "Se houver alguma dificuldade com o pagamento, responda a esta mensagem.\n"
        "\n"
        "1. Internet: R$ 1.200,00, vencimento em 05/01/2026\n"
        "Link para pagamento: https://pagar.example/1\n"
        "\n"
        "2. R$ 34,56, vencimento em 10/01/2026\n"
        "PIX copia e cola: 000201\n"
        "\n"
        "Total: R$ 1.234,56\n"
        "\n"
        "Se o pagamento já foi feito, por favor, desconsidere este aviso. Agradecemos a atenção!"
    )


@pytest.mark.parametrize("field", ["amount", "due_date"])
def test_amount_and_due_date_are_required(field: str) -> None:
    incomplete = {name: value for name, value in INVOICE.items() if name != field}
    several: list[dict[str, Any]] = [{"invoices": [INVOICE, incomplete]}, {"invoices": [{}]}]
    for payload in (incomplete, {**INVOICE, field: None}, *several):
        with pytest.raises(RenderError) as failure:
            text(payload)
        assert failure.value.variable is not None


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("2026-01-10")
invoices = st.dictionaries(st.sampled_from([*INVOICE, "valor", "vencimento", "nome"]), values)


@given(
    payload=invoices,
    several=st.none() | values | st.lists(invoices | values, max_size=3),
    days=st.integers(-40, 40),
)
def test_any_payload_gives_a_whole_text_or_a_render_error(payload: dict[str, Any], several: Any, days: int) -> None:
    try:
        written = text({**payload, "invoices": several}, received_at=RECEIVED_AT + timedelta(days=days))
    except RenderError:
        return
    assert written.startswith("Olá")
    assert "R$ " in written
    assert "None" not in written
    assert len(written) <= MAX_TEXT
