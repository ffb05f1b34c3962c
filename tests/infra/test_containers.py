"""`docker-compose.kafka.yml` and `Dockerfile`: valid, closed to the network, without secrets, in step with the code."""

import json
import re
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from infra.cli import COMMANDS
from infra.settings import Settings
from infra.stack import kafka
from infra.stack.layout import CHECKOUT

SCHEMA = CHECKOUT / "tests" / "data" / "compose-spec.json"
"""The Compose Specification's own (Apache-2.0, see compose-spec.LICENSE), as check-jsonschema 0.39.0 ships it."""

COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.kafka.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("prepare", "edge", "worker", "simulator")
BROKERS = ("kafka-1", "kafka-2", "kafka-3")


def test_the_compose_file_is_valid() -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [error.message for error in validator.iter_errors(COMPOSE)] == []


def test_the_schema_refuses_what_compose_would_refuse() -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert not validator.is_valid({"services": {"edge": {"image": "posto", "prots": ["8080:8080"]}}})


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_health_check_or_runs_once(name: str) -> None:
    service = SERVICES[name]
    assert "healthcheck" in service or service["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_from_outside_and_are_required(name: str) -> None:
    secret = re.compile(r"SECRET|TOKEN|(?<!RANDOM_ROOT_)PASSWORD|DSN")
    for variable, value in SERVICES[name].get("environment", {}).items():
        if secret.search(variable):
            assert re.search(r"\$\{[A-Z_]+:\?[^}]+\}", str(value)), f"{variable} is not a required variable"


@pytest.mark.parametrize("name", OURS)
def test_our_services_get_known_settings_and_run_known_commands(name: str) -> None:
    service = SERVICES[name]
    assert {variable.lower() for variable in service["environment"]} <= set(Settings.model_fields)
    commands = re.findall(r"posto (\w+)", service["command"][0]) or service["command"]
    assert set(commands) <= set(COMMANDS)


@pytest.mark.parametrize("name", OURS)
def test_our_services_can_write_nothing_and_gain_nothing(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_workers_can_be_scaled() -> None:
    assert "container_name" not in SERVICES["worker"]
    assert "ports" not in SERVICES["worker"]
    assert SERVICES["worker"]["deploy"]["replicas"] > 1


def test_edge_and_workers_wait_for_tables_and_topics() -> None:
    for name in ("edge", "worker"):
        assert SERVICES[name]["depends_on"]["prepare"] == {"condition": "service_completed_successfully"}
    waits = SERVICES["prepare"]["depends_on"]
    assert waits == {name: {"condition": "service_healthy"} for name in (*BROKERS, "mysql")}


@pytest.mark.parametrize("name", BROKERS)
def test_brokers_keep_three_copies_of_which_two_must_be_in_sync(name: str) -> None:
    service = SERVICES[name]
    environment = service["environment"]
    assert service["image"] == f"apache/kafka:{kafka.VERSION}"
    assert environment["KAFKA_DEFAULT_REPLICATION_FACTOR"] == 3
    assert environment["KAFKA_MIN_INSYNC_REPLICAS"] == 2
    assert str(environment["KAFKA_NODE_ID"]) == name.rpartition("-")[2]
    assert f"INTERNAL://{name}:9092" in environment["KAFKA_ADVERTISED_LISTENERS"]


def test_our_topics_have_three_copies_of_which_two_must_be_in_sync() -> None:
    environment = SERVICES["worker"]["environment"]
    assert (environment["POSTO_REPLICATION_FACTOR"], environment["POSTO_MIN_INSYNC_REPLICAS"]) == (3, 2)


def test_brokers_take_what_the_local_broker_takes() -> None:
    local = dict(line.split("=", 1) for line in kafka.server_properties(1, 2).splitlines())
    environment = SERVICES["kafka-1"]["environment"]
    for name in ("message.max.bytes", "replica.fetch.max.bytes", "auto.create.topics.enable"):
        assert str(environment["KAFKA_" + name.upper().replace(".", "_")]) == local[name]


def test_the_image_is_built_in_stages_from_hashed_packages_and_does_not_run_as_root() -> None:
    dockerfile = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
    stages = re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)[1:]
    assert len(stages) == 2
    assert "pip install --require-hashes -r requirements.lock" in stages[0]
    assert re.search(r"^USER (?!0$|root$)", stages[-1], flags=re.MULTILINE)
    assert "pip install" not in stages[-1]


def test_the_image_holds_no_settings_and_no_data_of_this_machine() -> None:
    first, *rest = [
        line for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
    ]
    assert first == "*"
    assert not any(".env" in line or ".local" in line for line in rest)
