from typing import Any

import pytest

from streams.sandbox import FAULTS, MAX_TURNS, compiled, context


def rendered(body: str, values: dict[str, Any] | None = None) -> str:
    template = compiled(body)
    assert not isinstance(template, str), template
    return "".join(template.generate(context(values or {})))


def refused(body: str, values: dict[str, Any] | None = None) -> str:
    """Why a template does not compile, or fails where it is rendered."""
    template = compiled(body)
    if isinstance(template, str):
        return template
    with pytest.raises(FAULTS) as failure:
        "".join(template.generate(context(values or {})))
    return str(failure.value)


def test_a_field_wins_over_a_method_of_its_name() -> None:
    assert rendered("{{ cart.items }}{{ cart.get('items') }}", {"cart": {"items": 3}}) == "33"


def test_harmless_methods_and_filters_work() -> None:
    assert rendered(
        "{{ name.split(' ')[0].title() }}, {{ tags|join('+') }}", {"name": "ana b", "tags": ["x", "y"]}
    ) == ("Ana, x+y")
    assert (
        rendered("{% for key, value in d.items() %}{{ key }}={{ value * 2 }};{% endfor %}", {"d": {"a": 1}}) == "a=2;"
    )


@pytest.mark.parametrize(
    "body",
    [
        "{{ name.__class__ }}",
        "{{ name.__class__.__mro__[1].__subclasses__() }}",
        "{{ event.payload.__init__.__globals__ }}",
        "{{ ''['__class__'] }}",
        "{{ name|attr('__class__') }}",
        "{{ range(10) }}",
        "{% for i in range(999999999) %}x{% endfor %}",
        "{{ lipsum() }}",
        "{{ cycler }}",
        "{{ name.format(1) }}",
        "{{ '{:>999999999}'.format(1) }}",
        "{{ name|center(999999999) }}",
        "{{ tags|random }}",
        "{{ d.update({'a': 1}) }}",
        "{{ tags.append(1) }}",
        "{% include 'other' %}",
        "{% import 'other' as other %}",
        "{% extends 'other' %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for x in tags recursive %}{{ loop(tags) }}{% endfor %}",
        "{% set name.x = 1 %}",
    ],
)
def test_the_sandbox_holds(body: str) -> None:
    assert refused(body, {"name": "Maria", "tags": ["a"], "d": {}, "event": {"payload": {}}})


@pytest.mark.parametrize("body", ["{{ 'x' * 9999 }}", "{{ name * 9999 }}", "{{ '%9999d' % 1 }}", "{{ 2 ** 2 }}"])
def test_only_numbers_are_multiplied(body: str) -> None:
    assert "is not allowed here" in refused(body, {"name": "Maria"})


@pytest.mark.parametrize("body", ["{{ tags }}", "{{ d }}", "{{ paid }}", "{{ name.upper }}"])
def test_only_texts_numbers_and_dates_are_written(body: str) -> None:
    assert "cannot be written" in refused(body, {"name": "Maria", "tags": ["a"], "d": {}, "paid": True})


def test_numbers_do_not_grow_without_end() -> None:
    body = "{% set a = 9 %}" + 26 * "{% set a = a * a %}" + "{{ 1 if a else 2 }}"
    assert "too large" in refused(body)


def test_loops_end() -> None:
    body = "{% for a in many %}{% for b in many %}{% endfor %}{% endfor %}ok"
    assert rendered(body, {"many": [0] * 99}) == "ok"
    assert f"more than {MAX_TURNS} turns" in refused(body, {"many": [0] * 100})


def test_a_loop_knows_where_it_is() -> None:
    turn = "{{ loop.index }}/{{ loop.length }}={{ x }}{% if not loop.last %};{% endif %}"
    body = "{% for x in tags if x > 0 %}" + turn + "{% endfor %}"
    assert rendered(body, {"tags": [7, 0, 9]}) == "1/2=7;2/2=9"


@pytest.mark.parametrize(
    "body",
    [
        "{% set a = big %}" + "{% set a = a ~ a %}" * 40 + "{{ a|length }}",
        "{% set a = big %}" + "{% set a = a + a %}" * 40 + "{{ a|length }}",
        "{{ letters|join(big)|length }}",
        "{{ rows|join(big, attribute='letter')|length }}",
        "{{ big|replace('x', big)|length }}",
        "{{ big|replace('', big)|length }}",
        "{% set a = letters %}" + "{% set a = a + a %}" * 40 + "{{ a|length }}",
    ],
)
def test_no_text_is_put_together_that_fills_the_memory(body: str) -> None:
    values = {"big": "x" * 50_000, "letters": ["y"] * 1_000, "rows": [{"letter": "y"}] * 1_000}
    assert "at most 200000 are allowed" in refused(body, values)


def test_texts_are_put_together_as_jinja_does() -> None:
    values = {"name": "ana", "n": 3, "rows": [{"id": 1}, {"id": 2}]}
    body = "{{ name ~ ' ' ~ n }};{{ name + '!' }};{{ rows|join(', ', attribute='id') }};{{ [1, 2]|join }}"
    assert rendered(body + ";{{ name|replace('a', 'o', 1) }};{{ 1 + 2 }}", values) == "ana 3;ana!;1, 2;12;ona;3"


def test_a_missing_variable_is_named_also_where_texts_are_put_together() -> None:
    assert refused("{{ 'a' ~ nothing }}") == "nothing"
    assert refused("{{ [nothing]|join }}") == "nothing"
