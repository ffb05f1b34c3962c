"""How programs are written down: start scripts, supervisord's configuration, Kafka's and the database's files."""

import configparser
import subprocess
from pathlib import Path

import pytest

from infra.stack import application, kafka, mysql
from infra.stack.environment import decide
from infra.stack.layout import Layout
from infra.stack.program import Program
from infra.stack.supervision import configuration, revision
from streams.topics import TOPICS


def _program(**changes: object) -> Program:
    values: dict[str, object] = {
        "name": "edge",
        "command": ["/bin/echo", "it's", "50%"],
        "port": 1,
        "directory": Path("/"),
        "is_ready": lambda: True,
    }
    return Program(**(values | changes))  # type: ignore[arg-type]


def test_a_start_script_hands_on_arguments_and_environment_as_they_are(tmp_path: Path) -> None:
    value = """a 'b' "c" %d $e ;f #g"""
    program = _program(command=["/bin/sh", "-c", 'printf "%s|%s|%s" "$0" "$X" "$PWD"', value], environment={"X": value})
    done = subprocess.run(["/bin/sh", "-c", program.script()], capture_output=True, text=True)
    assert done.stdout == f"{value}|{value}|/"


def test_supervisord_reads_the_configuration_and_restarts_what_dies() -> None:
    parser = configparser.RawConfigParser()
    parser.read_string(configuration([_program(name="kafka", stop_seconds=30), _program(name="worker-1")]))
    section = parser["program:kafka"]
    assert section["autorestart"] == "true"
    assert section["stopwaitsecs"] == "30"
    assert section["stopsignal"] == "TERM"
    assert int(section["priority"]) < int(parser["program:worker-1"]["priority"])


def test_the_configuration_holds_no_secret() -> None:
    assert "s3cret" not in configuration([_program(environment={"POSTO_ADMIN_TOKEN": "s3cret"})])


@pytest.mark.parametrize(
    "changes",
    [{"environment": {"A": "1"}}, {"command": ["/bin/true"]}, {"revision": "2"}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_changed_program_has_another_revision(changes: dict[str, object]) -> None:
    assert revision(_program(**changes)) != revision(_program())
    assert revision(_program(**changes)) == revision(_program(**changes))


def test_every_worker_has_its_own_name_and_metrics_port() -> None:
    environment = decide({"POSTO_METRICS_PORT": "9200"}, {}, Layout(Path("/stack")))
    programs = list(application.programs(environment, workers=3))
    assert [(program.name, program.port) for program in programs] == [
        ("simulator", 8090),
        ("edge", 8080),
        ("worker-1", 9200),
        ("worker-2", 9201),
        ("worker-3", 9202),
    ]
    assert programs[-1].environment["POSTO_METRICS_PORT"] == "9202"


def test_a_given_gateway_needs_no_simulator() -> None:
    environment = decide({"WPP_GATEWAY_BASE_URL": "https://gateway.example"}, {}, Layout(Path("/stack")))
    assert "simulator" not in [program.name for program in application.programs(environment, workers=1)]


def test_changed_code_is_noticed(tmp_path: Path) -> None:
    module = tmp_path / "streams" / "keys.py"
    module.parent.mkdir()
    module.write_text("A = 1\n")
    before = application.code_revision(tmp_path)
    assert application.code_revision(tmp_path) == before
    module.write_text("A = 1000\n")
    assert application.code_revision(tmp_path) != before


def test_the_broker_listens_on_loopback_only_and_takes_the_largest_record_of_any_topic() -> None:
    properties = dict(line.split("=", 1) for line in kafka.server_properties(19092, 29093).splitlines())
    assert properties["listeners"] == "PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:29093"
    assert properties["auto.create.topics.enable"] == "false"
    assert int(properties["message.max.bytes"]) > max(topic.max_bytes for topic in TOPICS)
    replicated = [name for name in properties if name.endswith("replication.factor")]
    assert len(replicated) == 4
    assert all(properties[name] == "1" for name in replicated)


def test_three_brokers_vote_together_and_keep_three_copies_of_their_own_topics_two_in_sync() -> None:
    lines = kafka.server_properties(19093, 29093, 2, (29092, 29093, 29094)).splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert (properties["node.id"], properties["listeners"]) == (
        "2",
        "PLAINTEXT://127.0.0.1:19093,CONTROLLER://127.0.0.1:29093",
    )
    assert properties["controller.quorum.voters"] == "1@127.0.0.1:29092,2@127.0.0.1:29093,3@127.0.0.1:29094"
    assert {properties[name] for name in properties if name.endswith("replication.factor")} == {"3"}
    assert {properties[name] for name in properties if name.endswith(("min.isr", "min.insync.replicas"))} == {"2"}


def test_the_jars_are_those_of_the_version_that_the_code_names() -> None:
    assert f"<version>{kafka.VERSION}</version>" in kafka.POM.read_text(encoding="utf-8")


def test_a_password_with_quotes_stays_one_password() -> None:
    statements = mysql.grant_statements("it's\\x").splitlines()
    assert statements[1] == r"CREATE USER IF NOT EXISTS 'posto'@'127.0.0.1' IDENTIFIED BY 'it\'s\\x';"
    assert all(statement.endswith(";") for statement in statements)
