"""The environment of a local stack: what was given, what is made up, and the file that any shell can source."""

import os
import secrets
import shlex
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values

from infra.stack.layout import Layout

Part = Literal["kafka", "mysql", "simulator"]

DOTENV = Path(".env")

SECRETS = (
    "EVENT_INGESTION_SECRET",
    "PIXELHUB_WHATSAPP_WEBHOOK_SECRET",
    "POSTO_ADMIN_TOKEN",
    "WPP_GATEWAY_SECRET",
    "POSTO_MYSQL_PASSWORD",
    "POSTO_TARGET_KEY",
)
"""Made once at random where not given, then kept."""

PORTS = {
    "POSTO_EDGE_PORT": 8080,
    "POSTO_SIM_PORT": 8090,
    "POSTO_KAFKA_PORT": 19092,
    "POSTO_MYSQL_PORT": 13306,
    "POSTO_METRICS_PORT": 9101,
}
"""Kept from one `posto up` to the next, so that a stack started on other ports stays on them."""

_HEADER = """\
# Written by `posto up` for this stack; source it: . {path}
# Secrets and ports in here are kept by the next `posto up`, all else is written anew: put your own settings into .env.
"""


@dataclass(frozen=True)
class StackEnvironment:
    """The settings of a stack's processes, by their names, and which parts it brings itself."""

    values: Mapping[str, str]
    local: frozenset[Part]

    @property
    def broker_ports(self) -> list[int]:
        """The ports of the stack's own brokers, in a row from POSTO_KAFKA_PORT on."""
        first = self.port("POSTO_KAFKA_PORT")
        return [first + number for number in range(int(self.values.get("POSTO_BROKERS", 1)))]

    def port(self, name: str) -> int:
        return int(self.values[name])


def given(environ: Mapping[str, str], dotenv: Path = DOTENV) -> dict[str, str]:
    """The settings that a person set: the environment's, else those of `.env`; empty ones count as not set."""
    from infra.settings import Settings

    known = {name.upper() for name in Settings.model_fields} | set(SECRETS)
    merged = {**_dotenv(dotenv), **environ}
    return {name: value for name, value in merged.items() if name in known and value}


def decide(settings: Mapping[str, str], stored: Mapping[str, str], layout: Layout) -> StackEnvironment:
    """What the stack's processes get: what is given comes first, then kept secrets and ports, then the local parts.

    An address that is given and is not the local part's own means that the local part is not started.
    """
    values = dict(settings)
    values["POSTO_LOCAL_DIR"] = str(layout.root)
    for name, default in PORTS.items():
        values[name] = settings.get(name) or stored.get(name) or str(default)
    for name in SECRETS:
        values[name] = settings.get(name) or stored.get(name) or secrets.token_hex(24)

    brokers = int(settings.get("POSTO_BROKERS") or stored.get("POSTO_BROKERS") or 1)
    first = int(values["POSTO_KAFKA_PORT"])
    own = {
        "KAFKA_BOOTSTRAP_SERVERS": ",".join(f"127.0.0.1:{first + number}" for number in range(brokers)),
        "WPP_GATEWAY_BASE_URL": f"http://127.0.0.1:{values['POSTO_SIM_PORT']}",
        "POSTO_TARGET_NETWORKS": "127.0.0.0/8,::1/128",
        "PIXELHUB_WHATSAPP_WEBHOOK_URL": f"http://127.0.0.1:{values['POSTO_EDGE_PORT']}/api/whatsapp/webhook",
    }
    mysql_address = f"@127.0.0.1:{values['POSTO_MYSQL_PORT']}/posto"
    local: set[Part] = set()
    if settings.get("KAFKA_BOOTSTRAP_SERVERS") in {None, own["KAFKA_BOOTSTRAP_SERVERS"]}:
        local.add("kafka")
        values["POSTO_BROKERS"] = str(brokers)
        own |= {"POSTO_REPLICATION_FACTOR": str(brokers), "POSTO_MIN_INSYNC_REPLICAS": str(min(2, brokers))}
    dsn = settings.get("MYSQL_DSN")
    if dsn is None or (dsn.startswith("mysql://posto:") and dsn.endswith(mysql_address)):
        local.add("mysql")
        values["MYSQL_DSN"] = f"mysql://posto:{values['POSTO_MYSQL_PASSWORD']}{mysql_address}"
    else:
        del values["POSTO_MYSQL_PASSWORD"]
    if settings.get("WPP_GATEWAY_BASE_URL") in {None, own["WPP_GATEWAY_BASE_URL"]}:
        local.add("simulator")
    elif "WPP_GATEWAY_SECRET" not in settings:
        del values["WPP_GATEWAY_SECRET"]  # a made-up secret would only be refused there
    return StackEnvironment({**own, **values}, frozenset(local))


def read(file: Path) -> dict[str, str]:
    """The assignments of an environment file; empty where there is none."""
    if not file.exists():
        return {}
    return _parsed(file.read_text(encoding="utf-8"))


def write(file: Path, values: Mapping[str, str]) -> None:
    """Write `export NAME=value` lines, whole or not at all, readable by their owner only."""
    lines = _HEADER.format(path=file) + exports(values)
    partial = file.with_suffix(f".{os.getpid()}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(lines)
    partial.replace(file)


def exports(values: Mapping[str, str]) -> str:
    """The values as lines of a POSIX shell, sorted by name."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(values.items()))


def adopt(environ: MutableMapping[str, str], dotenv: Path = DOTENV) -> None:
    """Work on the stack of this folder: take from its file what neither the environment nor `.env` sets."""
    from_dotenv = _dotenv(dotenv)
    local_dir = environ.get("POSTO_LOCAL_DIR") or from_dotenv.get("POSTO_LOCAL_DIR") or ".local"
    for name, value in read(Layout.at(Path(local_dir)).env).items():
        if not environ.get(name) and name not in from_dotenv:
            environ[name] = value


def _dotenv(file: Path) -> dict[str, str]:
    return {name: value for name, value in dotenv_values(file).items() if value}


def _parsed(text: str) -> dict[str, str]:
    words = shlex.split(text, comments=True)
    return dict(word.split("=", 1) for word in words if "=" in word)


__all__ = ["PORTS", "SECRETS", "StackEnvironment", "adopt", "decide", "exports", "given", "read", "write"]
