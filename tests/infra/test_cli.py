"""The command `posto`: its help teaches, its errors are one sentence, and it works on the stack of its folder."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli import COMMANDS, app
from infra.stack.environment import write
from tests.support.stack import clean_environ, posto

runner = CliRunner()


def _plain(result: "subprocess.CompletedProcess[str]") -> str:
    return re.sub(r"\s+", " ", result.stdout + result.stderr)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    result = runner.invoke(app, [name, "--help"], prog_name="posto")
    assert result.exit_code == 0
    assert f"posto {name}" in result.output
    assert len(result.output.splitlines()) > 8


def test_the_list_of_commands_says_what_each_does() -> None:
    result = runner.invoke(app, ["--help"], env={"COLUMNS": "300"})
    assert result.exit_code == 0
    for name in COMMANDS:
        assert re.search(rf"│ {name} +[A-Z]\w+", result.output), f"{name} is not explained"


def test_a_command_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    result = posto(tmp_path, {}, "upp")
    assert result.returncode == 2
    assert "No such command 'upp'" in _plain(result)


@pytest.mark.parametrize("command", ["up", "down", "clean", "status", "doctor"])
def test_a_wrong_setting_is_one_sentence_that_names_it(command: str, tmp_path: Path) -> None:
    result = posto(tmp_path, {"POSTO_EDGE_PORT": "99999"}, command)
    assert result.returncode == 2
    assert result.stdout == ""
    assert re.fullmatch(r"posto: POSTO_EDGE_PORT: [^\n]+\.\n", result.stderr)
    assert list(tmp_path.iterdir()) == []


def test_commands_work_on_the_stack_of_their_folder(tmp_path: Path) -> None:
    local = tmp_path / ".local"
    local.mkdir()
    write(local / "env", {"POSTO_EDGE_PORT": "99999"})
    result = posto(tmp_path, {}, "status")
    assert "POSTO_EDGE_PORT" in result.stderr
    assert posto(tmp_path, {"POSTO_EDGE_PORT": "8080"}, "status").stderr == ""


def test_nothing_runs_where_nothing_was_started(tmp_path: Path) -> None:
    down = posto(tmp_path, {}, "down")
    status = posto(tmp_path, {}, "status")
    assert (down.returncode, status.returncode) == (0, 1)
    assert "Nothing runs" in down.stdout
    assert "Nothing runs" in status.stdout
    assert json.loads(posto(tmp_path, {}, "status", "--json").stdout) == {"processes": [], "hub": None}
    assert list(tmp_path.iterdir()) == []


def test_a_command_imports_only_what_it_needs(tmp_path: Path) -> None:
    """`posto status` must answer at once: neither Faust nor Kafka, HTTP or database clients are loaded for it."""
    code = (
        "import sys; sys.argv = ['posto', 'status']\n"
        "from infra.cli import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('faust', 'aiokafka', 'httpx', 'starlette', 'aiomysql') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=clean_environ(), capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
