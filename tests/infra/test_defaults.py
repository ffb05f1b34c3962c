from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.defaults import default_rules, default_templates
from schemas import event_types
from schemas.events import Action
from streams.routing import RuleSet
from streams.templates import MAX_TEXT, RenderError, TemplateSet
from tests.streams.samples import event

OVERDUE = "billing.invoice.overdue"
PRE_DUE = "billing.invoice.pre_due"
TEMPLATES = TemplateSet(default_templates())
INVOICE: dict[str, Any] = {
    "name": "Maria Souza",
    "service": "Internet 300 Mega",
    "amount": 1234.56,
    "due_date": "2026-01-10",
    "link": "https://pagar.example/1",
    "pix": "00020126BR.GOV.BCB.PIX",
}


def text(template: str, payload: dict[str, Any]) -> str:
    return TEMPLATES.render(template, event(template, payload)).text


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
    assert rule.template == (event_type if action is Action.WHATSAPP else None)


def test_what_no_default_rule_names_is_left_alone() -> None:
    rules = RuleSet(default_rules())
    assert rules.choose(event("billing.invoice.paid")) is None
    assert rules.choose(event("asaas.payment")) is None


def test_the_defaults_are_without_fault() -> None:
    assert RuleSet(default_rules()).faults == ()
    assert TEMPLATES.faults == ()
    assert {rule.template for rule in default_rules() if rule.template} == {OVERDUE, PRE_DUE}


def test_the_overdue_text() -> None:
    assert text(OVERDUE, INVOICE) == (
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


def test_the_pre_due_text() -> None:
    assert text(PRE_DUE, {**INVOICE, "pix": None}) == (
        "Olá, Maria Souza! Tudo bem?\n"
        "\n"
        "Passando para lembrar que a sua fatura referente a Internet 300 Mega, no valor de R$ 1.234,56, vence em "
        "10/01/2026.\n"
        "\n"
        "Para pagar, acesse: https://pagar.example/1\n"
        "\n"
        "Se o pagamento já foi feito, por favor, desconsidere este aviso. Agradecemos a atenção!"
    )


def test_the_sentence_adapts_to_what_is_absent() -> None:
    assert text(OVERDUE, {"valor": "99,9", "vencimento": "10/01/2026"}) == (
        "Olá! Tudo bem?\n"
        "\n"
        "Identificamos que a sua fatura, no valor de R$ 99,90, venceu em 10/01/2026 e ainda consta em aberto.\n"
        "\n"
        "Para receber a segunda via, responda a esta mensagem.\n"
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
    assert text(OVERDUE, payload) == (
        "Olá, Maria! Tudo bem?\n"
        "\n"
        "Identificamos que as suas faturas abaixo venceram e ainda constam em aberto:\n"
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


@pytest.mark.parametrize("template", [OVERDUE, PRE_DUE])
@pytest.mark.parametrize("field", ["amount", "due_date"])
def test_amount_and_due_date_are_required(template: str, field: str) -> None:
    incomplete = {name: value for name, value in INVOICE.items() if name != field}
    several: list[dict[str, Any]] = [{"invoices": [INVOICE, incomplete]}, {"invoices": [{}]}]
    for payload in (incomplete, {**INVOICE, field: None}, *several):
        with pytest.raises(RenderError) as failure:
            text(template, payload)
        assert failure.value.variable is not None


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("2026-01-10")
invoices = st.dictionaries(st.sampled_from([*INVOICE, "valor", "vencimento", "nome"]), values)


@given(
    template=st.sampled_from([OVERDUE, PRE_DUE]),
    payload=invoices,
    several=st.none() | values | st.lists(invoices | values, max_size=3),
)
def test_any_payload_gives_a_whole_text_or_a_render_error(template: str, payload: dict[str, Any], several: Any) -> None:
    try:
        written = text(template, {**payload, "invoices": several})
    except RenderError:
        return
    assert written.startswith("Olá")
    assert "R$ " in written
    assert "None" not in written
    assert len(written) <= MAX_TEXT
