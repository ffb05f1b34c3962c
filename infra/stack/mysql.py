"""The stack's own MariaDB, or MySQL 8: a private instance on loopback with one database and one user."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pymysql

from infra.errors import StackError
from infra.stack import ports, tools
from infra.stack.program import Program

USER = "posto"
DATABASE = "posto"


def prepare(folder: Path, port: int, socket: Path, password: str, log: Path) -> Program:
    """Initialise the data where it is new, and say how to start the server.

    The user may do anything in databases whose name starts with `posto`; each start sets its password, so a new
    password needs no old one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    server = tools.database()
    if not (folder / "data").is_dir():
        _initialise(server, folder, log)
    temporary = folder / "tmp"  # of its own: a server that starts clears its folder of other servers' files too
    temporary.mkdir(exist_ok=True)
    grants = folder / "grants.sql"
    grants.touch(mode=0o600)
    text = grant_statements(password)
    grants.write_text(text)
    return Program(
        name="mysql",
        command=[
            str(server),
            "--no-defaults",
            f"--datadir={folder / 'data'}",
            f"--tmpdir={temporary}",
            f"--socket={socket}",
            f"--pid-file={folder / 'server.pid'}",
            f"--init-file={grants}",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            *_FLAVOURS[is_mariadb(server)],
            "--character-set-server=utf8mb4",
            "--default-time-zone=+00:00",
            "--innodb-buffer-pool-size=1G",  # taken as the data grows
            "--max-allowed-packet=32M",
            "--max-connections=100",
            f"--user={_me()}",
        ],
        port=port,
        directory=folder,
        is_ready=lambda: is_ready(port, password),
        stop_seconds=30,
        revision=text,
    )


_FLAVOURS = {
    True: ("--collation-server=utf8mb4_unicode_ci", "--innodb-log-file-size=512M"),
    False: (
        "--collation-server=utf8mb4_0900_ai_ci",
        "--innodb-redo-log-capacity=512M",
        "--mysqlx=OFF",
        "--skip-log-bin",
    ),
}


def grant_statements(password: str) -> str:
    """What the server runs at each start, one statement a line, as --init-file wants it."""
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    who = f"'{USER}'@'127.0.0.1'"
    return (
        f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4;\n"
        f"CREATE USER IF NOT EXISTS {who} IDENTIFIED BY '{quoted}';\n"
        f"ALTER USER {who} IDENTIFIED BY '{quoted}';\n"
        f"GRANT ALL PRIVILEGES ON `{DATABASE}%`.* TO {who};\n"
    )


def is_ready(port: int, password: str) -> bool:
    """Whether the server lets the user in."""
    if not ports.is_open(port):
        return False
    try:
        pymysql.connect(
            host="127.0.0.1", port=port, user=USER, password=password, database=DATABASE, connect_timeout=2
        ).close()
    except pymysql.MySQLError:
        return False
    return True


def is_mariadb(server: Path) -> bool:
    """Whether the binary is MariaDB's; Debian's `mysqld` may be either."""
    done = subprocess.run([str(server), "--no-defaults", "--version"], capture_output=True, text=True)
    return "MariaDB" in done.stdout


def _initialise(server: Path, folder: Path, log: Path) -> None:
    """Make the system tables beside their final place and move them there when they are whole."""
    with tempfile.TemporaryDirectory(prefix="data-", suffix=".partial", dir=folder) as scratch:
        data = Path(scratch) / "data"
        if is_mariadb(server):
            installer = tools.mariadb_installer()
            if installer is None:
                raise StackError(tools.advice([tools.DATABASE]))
            command = [
                str(installer),
                "--no-defaults",
                f"--datadir={data}",
                "--auth-root-authentication-method=socket",
                f"--auth-root-socket-user={_me()}",
                "--skip-test-db",
                f"--user={_me()}",
            ]
        else:
            command = [str(server), "--no-defaults", "--initialize", f"--datadir={data}", f"--user={_me()}"]
        with log.open("ab") as output:
            done = subprocess.run(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            shutil.rmtree(data, ignore_errors=True)
            raise StackError(f"The database in {folder} could not be initialised: see {log}.")
        data.rename(folder / "data")


def _me() -> str:
    return pwd.getpwuid(os.getuid()).pw_name
