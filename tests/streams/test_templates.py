from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.configuration import Template
from streams.sandbox import MAX_BODY
from streams.templates import MAX_TEXT, RenderError, TemplateSet
from tests.streams.samples import event


def rendered(body: str, payload: dict[str, Any] | None = None, **fields: Any) -> str:
    return TemplateSet([Template(id="t", body=body)]).render("t", event(payload=payload, **fields)).text


def refused(body: str, payload: dict[str, Any] | None = None) -> RenderError:
    with pytest.raises(RenderError) as failure:
        rendered(body, payload)
    assert failure.value.template == "t"
    return failure.value


def test_a_template_sees_the_payload_the_event_and_the_billing_variables() -> None:
    body = "{{ name }} {{ city.zip }} {{ event.tenant_id }} {{ event.payload.valor }} {{ amount|brl }} {{ total|brl }}"
    payload = {"nome": "Maria", "city": {"zip": "88300"}, "valor": "10"}
    assert rendered(body, payload, tenant_id=7) == "Maria 88300 7 10 R$ 10,00 R$ 10,00"


def test_the_version_of_the_template_comes_with_the_text() -> None:
    templates = TemplateSet([Template(id="t", body="oi", version=4)])
    assert templates.render("t", event()) == ("oi", 4)


def test_the_filters_write_as_brazilians_read() -> None:
    body = "{{ name|first_name }}: {{ amount|brl }} até {{ due_date|date_br }}"
    payload = {"name": "MARIA SOUZA", "amount": 1234.56, "due_date": "2026-01-15"}
    assert rendered(body, payload) == "Maria: R$ 1.234,56 até 15/01/2026"


def test_text_is_not_html() -> None:
    assert rendered("{{ name }} <3 & você", {"name": "<b>Zé & Filhos</b>"}) == "<b>Zé & Filhos</b> <3 & você"


def test_a_value_is_never_a_template() -> None:
    assert rendered("{{ name }}", {"name": "{{ 7 * 7 }}{% for %}"}) == "{{ 7 * 7 }}{% for %}"


@pytest.mark.parametrize(
    ("body", "variable"),
    [
        ("Olá {{ nmae }}", "nmae"),
        ("Olá {% if nmae %}x{% endif %}", "nmae"),
        ("{{ customer.phone }}", "phone"),
        ("{{ customer['phone'] }}", "phone"),
        ("{{ customer.phone|upper }}", "phone"),
        ("{{ value_of_nothing|brl }}", "value_of_nothing"),
        ("{{ nothing }}", "nothing"),
        ("{{ customer.nothing }}", "nothing"),
        ("{{ link }}", "link"),
        ("{{ pix|upper }}", "pix"),
        ("{{ amount|brl }}", "amount"),
        ("{{ due_date|date_br }}", "due_date"),
        ("{{ invoices[0].due_date|date_br }}", "due_date"),
        ("{{ stage == 'pre_due' }}", "stage"),
        ("{% for x in nothing %}{% endfor %}", "nothing"),
    ],
)
def test_a_missing_variable_is_named_and_never_a_hole(body: str, variable: str) -> None:
    failure = refused(body, {"name": "Maria", "nothing": None, "customer": {"nothing": None}})
    assert failure.variable == variable
    assert str(failure) == f"template 't': variable {variable!r} is missing"


@pytest.mark.parametrize("body", ["{{ plans[plan] }}", "{{ plans[name] }}", "{{ 1 + plan }}", "{{ plan|date_br }}"])
def test_an_error_never_shows_a_value(body: str) -> None:
    reason = refused(body, {"plans": {}, "plan": "4711", "name": "Ana Souza"}).reason
    assert "4711" not in reason
    assert "Ana" not in reason


def test_what_is_known_and_has_no_value_can_be_asked_for() -> None:
    body = "{% if link %}L{% else %}-{% endif %}{% if customer.phone %}P{% else %}-{% endif %}{{ pix|default('x') }}"
    assert rendered(body, {"customer": {"phone": None}}) == "--x"
    assert rendered(body, {"customer": {"phone": "1"}, "link": "l", "pix": "p"}) == "LPp"


def test_a_text_that_is_too_long_is_refused() -> None:
    assert len(rendered("{{ name }}", {"name": "x" * MAX_TEXT})) == MAX_TEXT
    assert "longer than 4096" in refused("{{ name }}", {"name": "x" * (MAX_TEXT + 1)}).reason


def test_an_empty_text_is_refused() -> None:
    assert refused("{% if false %}x{% endif %} \n").reason == "the text is empty"


def test_a_sentence_left_out_leaves_no_gap() -> None:
    assert rendered("a\n\n{% if link %}\nlink\n{% endif %}\n\n\nb") == "a\n\nb"


def test_a_template_that_does_not_compile_is_reported_and_hinders_no_other() -> None:
    templates = TemplateSet(
        [
            Template(id="bad", body="oi\n{% if %}"),
            Template(id="filter", body="{{ name|nothing }}"),
            Template(id="long", body="x" * (MAX_BODY + 1)),
            Template(id="deep", body="{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}"),
            Template(id="good", body="oi"),
            Template(id="off", body="{% if %}", is_enabled=False),
        ]
    )
    assert [fault.template_id for fault in templates.faults] == ["bad", "filter", "long", "deep"]
    assert templates.faults[0].reason.startswith("line 2: ")
    assert templates.render("good", event()).text == "oi"
    with pytest.raises(RenderError, match="'bad': line 2"):
        templates.render("bad", event())


@pytest.mark.parametrize(
    ("zone", "received_at", "stage"),
    [
        ("America/Sao_Paulo", datetime(2026, 1, 16, 2, 59, 59, tzinfo=UTC), "due_day"),
        ("America/Sao_Paulo", datetime(2026, 1, 16, 3, 0, tzinfo=UTC), "overdue_1d"),
        ("America/Manaus", datetime(2026, 1, 16, 3, 0, tzinfo=UTC), "due_day"),
        ("America/Noronha", datetime(2026, 1, 16, 2, 0, tzinfo=UTC), "overdue_1d"),
        ("Asia/Tokyo", datetime(2026, 1, 14, 15, 0, tzinfo=UTC), "due_day"),
    ],
)
def test_a_stage_begins_at_midnight_of_the_tenant(zone: str, received_at: datetime, stage: str) -> None:
    templates = TemplateSet([Template(id="t", body="{{ stage }}")])
    assert templates.render("t", event(payload={"due_date": "2026-01-15"}, received_at=received_at), zone).text == stage


@pytest.mark.parametrize("name", ["off", "absent"])
def test_a_template_that_is_not_there_is_named(name: str) -> None:
    templates = TemplateSet([Template(id="off", body="oi", is_enabled=False)])
    assert name not in templates
    with pytest.raises(RenderError, match=f"template '{name}': does not exist or is disabled"):
        templates.render(name, event())


def test_now_is_when_the_event_was_received_in_the_time_zone_of_the_tenant() -> None:
    templates = TemplateSet([Template(id="t", body="{{ stage }} {{ event.received_at|date_br }}")])
    late = event(payload={"due_date": "2026-01-15"}, received_at=datetime(2026, 1, 16, 1, 0, tzinfo=UTC))
    assert templates.render("t", late, "America/Sao_Paulo").text == "due_day 15/01/2026"
    assert templates.render("t", late, "UTC").text == "overdue_1d 16/01/2026"
    with pytest.raises(RenderError, match="'stage' is missing"):
        templates.render("t", late, "America/Nowhere")
