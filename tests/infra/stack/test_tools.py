import os
from pathlib import Path

import pytest

from infra.errors import StackError
from infra.stack import tools
from infra.stack.tools import Tool

MISSING = Tool("Java 17 or newer", lambda: None, ("openjdk-17-jre-headless", "default-jre-headless"), "java", "openjdk")


def _only(monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    """Make this a machine that has just one package manager."""
    monkeypatch.setattr(tools, "_which", lambda *names: Path(f"/usr/bin/{name}") if name in names else None)


@pytest.mark.parametrize(
    ("printed", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 8),
        ("sh: java: not found", 0),
    ],
)
def test_the_version_of_java_is_read_from_what_it_prints(printed: str, major: int) -> None:
    assert tools.java_version(printed) == major


def test_a_java_that_is_too_old_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o700)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert tools.JAVA.find() != java
    java.write_text("#!/bin/sh\necho 'openjdk version \"23.0.1\"' >&2\n")
    assert tools.JAVA.find() == java


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "sudo apt-get update && sudo apt-get install --no-install-recommends openjdk-17-jre-headless"),
        ("dnf", "sudo dnf install java"),
    ],
)
def test_what_is_missing_is_named_with_the_command_to_type(
    manager: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only(monkeypatch, manager)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(StackError) as raised:
        tools.ensure([MISSING], tmp_path / "apt.log", lambda text: None)
    assert str(raised.value) == f"Not found: Java 17 or newer; type `{command}` and run `posto up` again."


def test_as_root_on_debian_what_is_missing_is_installed_after_one_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """apt-get and apt-cache are stand-ins that write down what was asked; the archive has only the second choice."""
    asked = tmp_path / "asked"
    installed = tmp_path / "java"
    for name, body in {
        "apt-get": f'echo "$@" >> {asked}; case "$*" in *" install "*) touch {installed};; esac',
        "apt-cache": '[ "$2" = default-jre-headless ] && echo "Package: $2"',
    }.items():
        script = tmp_path / "bin" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    tool = Tool(MISSING.title, lambda: installed if installed.exists() else None, MISSING.apt, "", "")
    told: list[str] = []
    tools.ensure([tool], tmp_path / "apt.log", told.append)
    assert asked.read_text().splitlines() == [
        "-q -y update",
        "-q -y install --no-install-recommends default-jre-headless",
    ]
    assert told == ["installing Java 17 or newer"]


def test_nothing_is_asked_of_the_system_where_nothing_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only(monkeypatch, None)
    here = Tool("Maven", lambda: Path("/usr/bin/mvn"), ("maven",), "maven", "maven")
    tools.ensure([here], tmp_path / "apt.log", lambda text: None)
    assert not (tmp_path / "apt.log").exists()
