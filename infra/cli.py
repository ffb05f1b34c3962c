"""The command `posto`: one list of commands, each imported only when it is asked for.

To add a command, write `infra/commands/<name>.py` with a function of typer's kind (or a `typer.Typer()` named `app`
where it has subcommands), keep heavy imports inside the function, and add its line to `COMMANDS`. The function's
docstring is its help: first line a sentence, then examples. Errors of settings are left to `main`.
"""

import os
import sys
from importlib import import_module
from typing import Any

import structlog
import typer
from typer.core import TyperGroup

from infra.errors import OperatorError

COMMANDS = {
    "up": "infra.commands.up:up",
    "down": "infra.commands.down:down",
    "clean": "infra.commands.clean:clean",
    "status": "infra.commands.status:status",
    "doctor": "infra.commands.doctor:doctor",
    "migrate": "infra.commands.migrate:migrate",
    "topics": "infra.commands.topics:app",
    "publish": "infra.commands.publish:publish",
    "send": "infra.commands.send:send",
    "outbox": "infra.commands.outbox:app",
    "schema": "infra.commands.schema:schema",
    "rules": "infra.commands.rules:app",
    "templates": "infra.commands.templates:app",
    "targets": "infra.commands.targets:app",
    "tokens": "infra.commands.tokens:app",
    "edge": "infra.commands.edge:edge",
    "worker": "infra.commands.worker:worker",
    "simulate": "infra.commands.simulate:simulate",
    "trace": "infra.commands.trace:trace",
    "deliveries": "infra.commands.deliveries:app",
    "tenants": "infra.commands.tenants:app",
    "channels": "infra.commands.channels:app",
    "gateway": "infra.commands.gateway:app",
    "dead-letters": "infra.commands.dead_letters:app",
    "contacts": "infra.commands.contacts:app",
    "chat": "infra.commands.chat:app",
    "media": "infra.commands.media:app",
}
"""Name on the command line -> `module:attribute`, in the order in which `posto --help` shows them."""

STARTS_THE_STACK = frozenset({"up"})
"""Commands that decide what `<POSTO_LOCAL_DIR>/env` holds, hence do not read it as if it were the environment."""


class Commands(TyperGroup):
    """The group behind `posto`: finds a command by its name in `COMMANDS` and imports just that one."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        target = getattr(import_module(module), attribute)
        if isinstance(target, typer.Typer):
            command = typer.main.get_command(target)
        else:
            single = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_show_locals=False)
            single.command(cmd_name)(target)
            command = typer.main.get_command(single)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)


@app.callback()
def posto(context: typer.Context) -> None:
    """Posto: events in, WhatsApp messages out, each exactly once, with proof.

    A first round:

    - `posto up` starts everything on this machine and sends a first invoice and a first message through.
    - `posto status` shows what runs; `posto doctor` says what is wrong and what to do about it.
    - `posto trace <id or phone>` follows one event from the request to the blue ticks.
    - `posto down` stops everything and keeps the data.

    Settings come from the environment, then `.env`, then the running stack's `.local/env`; `.env.example` lists them.
    """
    if context.invoked_subcommand not in STARTS_THE_STACK:
        from infra.stack.environment import adopt

        adopt(os.environ)


def main() -> None:
    """Run the command line; what an operator can mend is one sentence on stderr.

    Exit code 2 for settings and usage, 1 for all else that went wrong.
    """
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # stdout is for results
    try:
        app()
    except OperatorError as error:
        typer.echo(f"posto: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
