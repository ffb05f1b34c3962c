import subprocess
from pathlib import Path

import pytest

from infra.stack.environment import PORTS, SECRETS, adopt, decide, given, read, write
from infra.stack.layout import Layout

LAYOUT = Layout(Path("/stacks/one"))


def test_a_fresh_stack_brings_everything_itself_on_the_usual_ports() -> None:
    environment = decide({}, {}, LAYOUT)
    assert environment.local == {"kafka", "mysql", "simulator"}
    assert {name: environment.port(name) for name in PORTS} == PORTS
    assert environment.values["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:19092"
    assert environment.values["WPP_GATEWAY_BASE_URL"] == "http://127.0.0.1:8090"
    assert environment.values["PIXELHUB_WHATSAPP_WEBHOOK_URL"] == "http://127.0.0.1:8080/api/whatsapp/webhook"
    password = environment.values["POSTO_MYSQL_PASSWORD"]
    assert environment.values["MYSQL_DSN"] == f"mysql://posto:{password}@127.0.0.1:13306/posto"
    assert environment.values["POSTO_LOCAL_DIR"] == "/stacks/one"


def test_secrets_are_made_once_and_kept() -> None:
    first = decide({}, {}, LAYOUT).values
    second = decide({}, first, LAYOUT).values
    other = decide({}, {}, LAYOUT).values
    for name in SECRETS:
        assert len(first[name]) >= 32
        assert second[name] == first[name]
        assert other[name] != first[name]


def test_a_given_secret_wins_over_the_kept_one() -> None:
    kept = decide({}, {}, LAYOUT).values
    assert decide({"POSTO_ADMIN_TOKEN": "mine"}, kept, LAYOUT).values["POSTO_ADMIN_TOKEN"] == "mine"


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", "broker.example:9092", "kafka"),
        ("MYSQL_DSN", "mysql://hub:secret@db.example:3306/hub", "mysql"),
        ("WPP_GATEWAY_BASE_URL", "https://gateway.example", "simulator"),
    ],
)
def test_a_given_address_is_used_and_its_local_part_is_not_started(name: str, value: str, part: str) -> None:
    environment = decide({name: value}, {}, LAYOUT)
    assert environment.local == {"kafka", "mysql", "simulator"} - {part}
    assert environment.values[name] == value


def test_no_secret_is_made_up_for_a_given_gateway_and_no_password_for_a_given_database() -> None:
    given_addresses = {"MYSQL_DSN": "mysql://a:b@c/d", "WPP_GATEWAY_BASE_URL": "https://gateway.example"}
    values = decide(given_addresses, {}, LAYOUT).values
    assert "WPP_GATEWAY_SECRET" not in values
    assert "POSTO_MYSQL_PASSWORD" not in values


def test_a_shell_that_sourced_the_file_still_means_the_local_parts() -> None:
    first = decide({"POSTO_KAFKA_PORT": "29092", "POSTO_SIM_PORT": "28090"}, {}, LAYOUT)
    assert decide(first.values, first.values, LAYOUT) == first


def test_ports_are_kept_until_others_are_given() -> None:
    kept = decide({"POSTO_EDGE_PORT": "8180"}, {}, LAYOUT).values
    assert decide({}, kept, LAYOUT).port("POSTO_EDGE_PORT") == 8180
    assert decide({"POSTO_EDGE_PORT": "8280"}, kept, LAYOUT).port("POSTO_EDGE_PORT") == 8280


def test_three_brokers_are_in_a_row_with_three_copies_and_are_kept() -> None:
    first = decide({"POSTO_BROKERS": "3", "POSTO_KAFKA_PORT": "29092"}, {}, LAYOUT)
    assert first.broker_ports == [29092, 29093, 29094]
    assert first.values["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:29092,127.0.0.1:29093,127.0.0.1:29094"
    assert (first.values["POSTO_REPLICATION_FACTOR"], first.values["POSTO_MIN_INSYNC_REPLICAS"]) == ("3", "2")
    assert decide({}, first.values, LAYOUT).broker_ports == first.broker_ports
    assert decide(first.values, first.values, LAYOUT) == first, "as in a shell that sourced the file"
    assert decide({}, {}, LAYOUT).broker_ports == [19092]


def test_an_address_of_last_time_is_not_kept() -> None:
    kept = decide({"KAFKA_BOOTSTRAP_SERVERS": "broker.example:9092"}, {}, LAYOUT).values
    assert "kafka" in decide({}, kept, LAYOUT).local


def test_the_environment_wins_over_dotenv_and_empty_counts_as_not_set(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("POSTO_EDGE_PORT=1\nPOSTO_SIM_PORT=2\nPOSTO_ADMIN_TOKEN=\nUNKNOWN=3\n")
    environ = {"POSTO_EDGE_PORT": "4", "POSTO_KAFKA_PORT": "", "PATH": "/bin"}
    assert given(environ, dotenv) == {"POSTO_EDGE_PORT": "4", "POSTO_SIM_PORT": "2"}


def test_any_shell_can_source_the_file_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "env"
    value = """it's "50%" $HOME `x` \\ #1; é"""
    write(file, {"POSTO_ADMIN_TOKEN": value})
    assert file.stat().st_mode & 0o777 == 0o600
    sourced = subprocess.run(
        ["/bin/sh", "-c", '. "$0"; printf %s "$POSTO_ADMIN_TOKEN"', str(file)], capture_output=True, text=True
    )
    assert sourced.stdout == value
    assert read(file) == {"POSTO_ADMIN_TOKEN": value}


def test_commands_adopt_what_neither_environment_nor_dotenv_sets(tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.mkdir()
    write(local / "env", {"MYSQL_DSN": "from-file", "POSTO_EDGE_PORT": "1", "POSTO_SIM_PORT": "2"})
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"POSTO_LOCAL_DIR={local}\nPOSTO_SIM_PORT=3\n")
    environ = {"POSTO_EDGE_PORT": "4"}
    adopt(environ, dotenv)
    assert environ == {"POSTO_EDGE_PORT": "4", "MYSQL_DSN": "from-file"}


def test_without_a_stack_there_is_nothing_to_adopt(tmp_path: Path) -> None:
    environ = {"POSTO_LOCAL_DIR": str(tmp_path)}
    adopt(environ, tmp_path / ".env")
    assert environ == {"POSTO_LOCAL_DIR": str(tmp_path)}
