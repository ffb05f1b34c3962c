"""`posto status`: what runs of the stack."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.stack.status import ProcessReport


def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for scripts.")] = False,
) -> None:
    """Show each process with its state, pid, uptime and port; exit code 1 unless all of them run.

    - `posto status --json | jq -r '.[] | select(.state != "RUNNING") | .name'` names what does not run.
    - Logs lie in `.local/log/<name>.log`.
    """
    from infra.settings import load
    from infra.stack.layout import Layout
    from infra.stack.status import report

    layout = Layout.at(load().posto_local_dir)
    processes = report(layout)
    if as_json:
        typer.echo(json.dumps([asdict(process) for process in processes], indent=2))
    elif processes:
        _show(processes)
        typer.echo(f"Logs: {layout.log}")
    else:
        typer.echo(f"Nothing runs in {layout.root}; `posto up` starts it.")
    if not processes or any(process.state != "RUNNING" for process in processes):
        raise typer.Exit(1)


def _show(processes: "list[ProcessReport]") -> None:
    typer.echo(f"{'process':<12} {'state':<10} {'pid':>8} {'port':>6}  uptime")
    for process in processes:
        uptime = "" if process.uptime_seconds is None else str(timedelta(seconds=process.uptime_seconds))
        typer.echo(f"{process.name:<12} {process.state:<10} {process.pid or '':>8} {process.port or '':>6}  {uptime}")
