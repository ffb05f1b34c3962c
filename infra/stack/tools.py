"""The programs that the stack needs from the system: found, installed where that is allowed, else named."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.errors import StackError

_OLDEST_JAVA = 17
_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/usr/libexec:/usr/local/bin:/opt/homebrew/bin:/opt/homebrew/sbin"
"""Where servers lie that a person's PATH often does not name."""


@dataclass(frozen=True)
class Tool:
    """Something the stack needs: what it is called, how it is found, and what brings it.

    `apt` holds alternatives in order of preference, each one or more packages.
    """

    title: str
    find: Callable[[], Path | None]
    apt: Sequence[str]
    dnf: str
    brew: str


def _which(*names: str) -> Path | None:
    search = os.environ.get("PATH", "") + os.pathsep + _SYSTEM_FOLDERS
    for name in names:
        if found := shutil.which(name, path=search):
            return Path(found)
    return None


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def java_version(text: str) -> int:
    """The major version in what `java -version` prints; 0 where there is none. Java 8 calls itself 1.8."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else 0


def _find_java() -> Path | None:
    """A Java that is new enough: JAVA_HOME's, the PATH's, else the newest of the system's."""
    home = os.environ.get("JAVA_HOME")
    candidates = [Path(home) / "bin" / "java"] if home else []
    if on_path := _which("java"):
        candidates.append(on_path)
    for folder in (Path("/usr/lib/jvm"), Path("/opt/homebrew/opt")):
        candidates += sorted(folder.glob("*/bin/java"), reverse=True)
    for candidate in candidates:
        if candidate.exists() and java_version(_output(str(candidate), "-version")) >= _OLDEST_JAVA:
            return candidate
    return None


JAVA = Tool(
    "Java 17 or newer", _find_java, ("openjdk-17-jre-headless", "default-jre-headless"), "java-headless", "openjdk"
)
MAVEN = Tool("Maven", lambda: _which("mvn"), ("maven",), "maven", "maven")
DATABASE = Tool(
    "MariaDB or MySQL",
    lambda: _which("mariadbd", "mysqld"),
    ("mariadb-server-core mariadb-client-core", "mariadb-server-core-10.6 mariadb-client-core-10.6", "mariadb-server"),
    "mariadb-server",
    "mariadb",
)


@cache
def java() -> Path:
    return _found(JAVA)


def maven() -> Path:
    return _found(MAVEN)


def database() -> Path:
    """`mariadbd`, else `mysqld`."""
    return _found(DATABASE)


def mariadb_installer() -> Path | None:
    return _which("mariadb-install-db", "mysql_install_db")


def ensure(needed: Iterable[Tool], log: Path, tell: Callable[[str], None]) -> None:
    """Install what is missing on Debian and Ubuntu as root; where that cannot be, StackError has the command."""
    missing = [tool for tool in needed if tool.find() is None]
    if not missing:
        return
    if _is_root() and _which("apt-get"):
        tell("installing " + ", ".join(tool.title for tool in missing))
        _install(missing, log)
        missing = [tool for tool in missing if tool.find() is None]
    if missing:
        raise StackError(advice(missing))


def advice(missing: Sequence[Tool]) -> str:
    """One sentence: what is missing, and the command that brings it on this system."""
    titles = ", ".join(tool.title for tool in missing)
    sudo = "" if _is_root() else "sudo "
    if _which("apt-get"):
        packages = " ".join(tool.apt[0] for tool in missing)
        command = f"{sudo}apt-get update && {sudo}apt-get install --no-install-recommends {packages}"
    elif _which("dnf"):
        command = f"{sudo}dnf install {' '.join(tool.dnf for tool in missing)}"
    elif sys.platform == "darwin":
        command = f"brew install {' '.join(tool.brew for tool in missing)}"
    else:
        return f"Not found: {titles}; install it and run `posto up` again."
    return f"Not found: {titles}; type `{command}` and run `posto up` again."


def _install(missing: Sequence[Tool], log: Path) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with log.open("ab") as output:

        def apt_get(*arguments: str) -> None:
            done = subprocess.run(
                ["apt-get", "-q", "-y", *arguments], stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=quiet
            )
            if done.returncode != 0:
                raise StackError(f"`apt-get {' '.join(arguments)}` failed: see {log}.")

        apt_get("update")
        packages = [package for tool in missing for package in _available(tool).split()]
        apt_get("install", "--no-install-recommends", *packages)


def _available(tool: Tool) -> str:
    """The first alternative of which this system's archive has every package."""
    for alternative in tool.apt:
        if all(_output("apt-cache", "show", package).startswith("Package:") for package in alternative.split()):
            return alternative
    return tool.apt[0]


def _found(tool: Tool) -> Path:
    path = tool.find()
    if path is None:
        raise StackError(advice([tool]))
    return path


def _is_root() -> bool:
    return os.geteuid() == 0
