from datetime import UTC, datetime

from schemas.configuration import Template
from streams.preview import moment_of, preview
from tests.streams.samples import event

SAO_PAULO = "America/Sao_Paulo"
TEMPLATE = Template(id="t", version=3, body="{{ name }}: {{ stage }}")


def test_a_text_comes_with_its_length_and_stage() -> None:
    seen = preview(TEMPLATE, event(payload={"name": "Ana", "due_date": "2026-01-12"}), SAO_PAULO)
    assert (seen.template, seen.version) == ("t", 3)
    assert (seen.text, seen.characters) == ("Ana: overdue_3d", 15)
    assert (seen.stage, seen.days_overdue, seen.reason, seen.absent) == ("overdue_3d", 3, None, ())
    assert f"{seen.at:%H:%M}" == "12:00"


def test_without_a_text_all_that_is_absent_is_named() -> None:
    branches = "{% if x %}{% set mine = foo %}{% endif %}"
    loops = "{% for i in items %}{{ i.z }}{{ name }}{% endfor %}{{ event.a }}"
    template = Template(id="t", body=branches + loops)
    seen = preview(template, event(payload={"items": []}), SAO_PAULO)
    assert seen.text is None
    assert seen.reason == "variable 'x' is missing"
    assert seen.absent == ("foo", "x")


def test_a_template_that_does_not_compile_says_where() -> None:
    seen = preview(Template(id="t", body="a\n{% if %}"), event(), SAO_PAULO)
    assert (seen.text, seen.absent) == (None, ())
    assert str(seen.reason).startswith("line 2: ")


def test_the_moment_of_a_stage_is_noon_of_its_day_at_the_tenants() -> None:
    bill = event(payload={"due_date": "2026-01-15"})
    assert moment_of(-3, bill, SAO_PAULO) == datetime(2026, 1, 12, 15, tzinfo=UTC)
    assert moment_of(1, bill, "Asia/Tokyo") == datetime(2026, 1, 16, 3, tzinfo=UTC)
    assert moment_of(0, event(payload={"due_date": "?"}), SAO_PAULO) is None
