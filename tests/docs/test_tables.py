"""What the documents list is what the code has."""

import io
import re
import types
import typing
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from adapters.edge import problems
from infra.defaults import default_rules
from infra.settings import Settings
from infra.stack.layout import CHECKOUT
from schemas import headers
from schemas.alarms import AlarmKind
from schemas.events import EventIn, Kind
from streams import billing, keys
from streams.conditions import MAX_DEPTH
from streams.normalization import event_fields, event_in, events
from streams.normalization.content import MAX_TEXT
from streams.operators import OPERATORS
from streams.regexes import MAX_SUBJECT
from streams.topics import DAY_MS, MEGABYTE, TOPICS
from tests.docs import states
from tests.docs.markdown import ARCHITECTURE, CONTRACT, OPERATIONS, README, README_PT, Document
from tests.docs.tables import Row, codes, table

_READMES = ((README, "setting"), (README_PT, "ajuste"))


def test_the_states_are_those_of_the_machine() -> None:
    assert states.documented() == states.table(), "python -m tests.docs.states writes it anew"


def test_the_topics_are_those_that_are_declared() -> None:
    rows = {codes(row["topic"])[0]: row for row in table(ARCHITECTURE, "topic", "key")}
    assert list(rows) == [topic.name for topic in TOPICS]
    for topic in TOPICS:
        kept = []
        if "compact" in topic.cleanup:
            kept.append("latest of each key")
        retention_ms = int(topic.config(1)["retention.ms"])
        if retention_ms >= 0:
            kept.append(f"{retention_ms // DAY_MS} days")
        assert rows[topic.name]["kept"] == ", ".join(kept), topic.name
        assert rows[topic.name]["largest record"] == f"{topic.max_bytes // MEGABYTE} MB", topic.name


def test_the_default_rules_are_those_of_the_code() -> None:
    rows = [
        (codes(row["id"])[0], codes(row["event type"])[0], row["action"], next(iter(codes(row["template"])), None))
        for row in table(ARCHITECTURE, "id", "event type")
    ]
    assert rows == [(rule.id, rule.event_type, rule.action, rule.template) for rule in default_rules()]


def test_the_operators_of_conditions_are_those_of_the_code() -> None:
    named = [code for row in table(ARCHITECTURE, "operator", "holds where") for code in codes(row["operator"])]
    assert named == [*OPERATORS, "$and", "$or", "$not"]
    assert f"first {MAX_SUBJECT} characters" in ARCHITECTURE.text
    assert f"more than {MAX_DEPTH} levels" in ARCHITECTURE.text


def test_the_fields_of_an_event_are_those_of_the_schema() -> None:
    rows = table(CONTRACT, "field", "type")
    assert [codes(row["field"])[0] for row in rows] == list(EventIn.__struct_fields__)
    hints = typing.get_type_hints(EventIn)
    for row in rows:
        field = codes(row["field"])[0]
        assert row["type"] == _type_in_words(field, hints[field]), field


def _type_in_words(field: str, hint: Any) -> str:
    if field in ("source_system", "event_type"):
        return "text, required"
    kinds = set(typing.get_args(hint)) if isinstance(hint, types.UnionType) else {hint}
    match kinds - {types.NoneType}:
        case found if float in found:
            return "time"
        case found if found == {str, int}:
            return "number, or its digits" if field == "tenant_id" else "text or number"
        case found if found == {str}:
            return "text"
        case _:
            return "object"


def test_the_limits_of_an_event_are_those_of_the_code() -> None:
    said = {codes(row["field"])[0]: row["meaning"] for row in table(CONTRACT, "field", "type")}
    limits = {
        event_fields.MAX_NAME: ("source_system", "event_type"),
        event_fields.MAX_ID: ("external_id", "occurrence", "idempotency_key", "ordering_key"),
        event_fields.MAX_CHANNEL: ("channel",),
        event_fields.MAX_TRACE_ID: ("trace_id", "correlation_id"),
    }
    for limit, fields in limits.items():
        for field in fields:
            assert f"t most {limit} characters" in said[field], field
    assert f"at most {event_fields.MAX_DEPTH} levels deep" in said["payload"].lower()
    assert f"at most {events.MAX_BYTES:,} bytes" in CONTRACT.text
    assert f"at most {event_in.MAX_KEY} characters" in CONTRACT.text
    assert f"at most {MAX_TEXT:,} characters" in CONTRACT.text
    assert str(keys.NAMESPACE) in CONTRACT.text


def test_the_problems_are_those_of_the_edge() -> None:
    kinds = [value for value in vars(problems).values() if isinstance(value, problems.Kind)]
    rows = [(codes(row["`type` ends in"])[0], int(row["status"])) for row in table(CONTRACT, "`type` ends in")]
    assert rows == [(kind.name, kind.status) for kind in kinds]


def test_the_kinds_of_an_accepted_event_are_those_of_the_schema() -> None:
    assert [codes(row["kind"]) for row in table(CONTRACT, "kind", "meaning")] == [[kind] for kind in Kind]


def test_the_headers_are_those_of_the_schema() -> None:
    named = [code for row in table(CONTRACT, "header", "on") for code in codes(row["header"])]
    declared = {value for name, value in vars(headers).items() if name.isupper()}
    assert set(named) == declared


def test_the_columns_of_a_rule_are_those_of_the_table() -> None:
    named = [code for row in table(OPERATIONS, "column", "default") for code in codes(row["column"])]
    migrations = "".join(path.read_text() for path in sorted((CHECKOUT / "infra" / "migrations").glob("*.sql")))
    columns = re.findall(
        r"^    ([a-z_]+) ", migrations.partition("EXISTS routing_rules (")[2].partition(";")[0], re.MULTILINE
    )
    columns += re.findall(r"ALTER TABLE routing_rules ADD COLUMN ([a-z_]+)", migrations)
    assert set(named) == set(columns) - {"version", "metadata", "created_at", "updated_at"}


@pytest.mark.parametrize(("readme", "header"), _READMES, ids=str)
def test_the_settings_of_the_readmes_have_their_defaults(readme: Document, header: str) -> None:
    rows = table(readme, header)
    assert len(rows) >= 12
    for row in rows:
        name, default = codes(row[header])[0], _default(row)
        assert default == _documented_default(name), name


def _default(row: Row) -> str:
    cell = list(row.values())[1]
    return codes(cell)[0] if codes(cell) else ""


def _documented_default(name: str) -> str:
    """The default as `.env.example` has it, which its own test holds to the code."""
    text = re.sub(r"^#(?=[A-Z_]+=)", "", (CHECKOUT / ".env.example").read_text(encoding="utf-8"), flags=re.MULTILINE)
    values = dotenv_values(stream=io.StringIO(text))
    assert name.lower() in Settings.model_fields
    return values[name] or ""


def test_both_readmes_name_the_same_settings() -> None:
    named = [[codes(row[header])[0] for row in table(readme, header)] for readme, header in _READMES]
    assert named[0] == named[1]


def test_the_runbook_knows_every_alarm_and_every_rule_for_prometheus() -> None:
    assert [codes(row["alarm"]) for row in table(OPERATIONS, "alarm", "means")] == [[kind] for kind in AlarmKind]
    [group] = yaml.safe_load((CHECKOUT / "infra" / "prometheus" / "alerts.yml").read_text())["groups"]
    assert [codes(row["rule"])[0] for row in table(OPERATIONS, "rule", "means")] == [
        rule["alert"] for rule in group["rules"]
    ]
    asked = {metric for rule in group["rules"] for metric in re.findall(r"posto_[a-z_]+", rule["expr"])}
    assert asked <= {code for row in table(OPERATIONS, "metric", "process") for code in codes(row["metric"])}


def test_the_stages_of_a_bill_are_those_of_the_code() -> None:
    rows = table(CONTRACT, "days from the due date", "`stage`")
    said = {_first_day(row["days from the due date"]): next(iter(codes(row["`stage`"])), None) for row in rows}
    assert said == {-4: None, **{days: stage for days, stage in billing.MOMENTS if days != -1}}
    assert all(billing.stage(days) == stage for days, stage in said.items())


def _first_day(cell: str) -> int:
    number = int(re.findall(r"\d+", cell)[0])
    return -number if "before" in cell else number
