"""`posto status`: what runs of the stack, and how the hub does."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.figures.overview import Overview
    from infra.settings import Settings
    from infra.stack.layout import Layout
    from infra.stack.status import ProcessReport


def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for scripts.")] = False,
) -> None:
    """Show each process, how far the hub is behind, what waits for a person, and its channels.

    Exit code 1 unless all processes run. What cannot be asked is said to be unknown; it takes three seconds at most.

    - `posto status --json | jq -r '.processes[] | select(.state != "RUNNING") | .name'` names what does not run.
    - `posto status --json | jq '.hub.tables.commands.uncertain'` counts the messages of which nobody knows.
    - Logs lie in `.local/log/<name>.log`.
    """
    from infra.settings import load
    from infra.stack.layout import Layout
    from infra.stack.status import report

    settings = load()
    layout = Layout.at(settings.posto_local_dir)
    has_hub = layout.env.exists() or bool(settings.mysql_dsn.get_secret_value())
    processes, hub = _look(settings, layout) if has_hub else (report(layout), None)
    if as_json:
        _print_json(processes, hub)
    else:
        if processes:
            _show(processes)
            typer.echo(f"Logs: {layout.log}")
        else:
            typer.echo(f"Nothing runs in {layout.root}; `posto up` starts it.")
        if hub:
            from infra.figures.view import lines

            typer.echo("\n" + "\n".join(lines(hub)))
    if not processes or any(process.state != "RUNNING" for process in processes):
        raise typer.Exit(1)


def _look(settings: "Settings", layout: "Layout") -> "tuple[list[ProcessReport], Overview | None]":
    """Processes and figures, asked at the same time; no figures of a local stack that is down."""
    import asyncio
    import io

    from infra.figures.overview import overview
    from infra.logging import configure
    from infra.stack.status import report

    configure(settings, "status", io.StringIO())  # what is away is said in the overview

    async def look() -> "tuple[list[ProcessReport], Overview | None]":
        hub = asyncio.create_task(overview(settings))
        processes = await asyncio.to_thread(report, layout)
        if not processes and layout.env.exists():
            hub.cancel()
            return processes, None
        return processes, await hub

    return asyncio.run(look())


def _print_json(processes: "list[ProcessReport]", hub: "Overview | None") -> None:
    said = None
    if hub:
        import msgspec

        said = msgspec.to_builtins(hub)
    typer.echo(json.dumps({"processes": [asdict(process) for process in processes], "hub": said}, indent=2))


def _show(processes: "list[ProcessReport]") -> None:
    typer.echo(f"{'process':<12} {'state':<10} {'pid':>8} {'port':>6}  {'uptime':<16} ready")
    for process in processes:
        uptime = "" if process.uptime_seconds is None else str(timedelta(seconds=process.uptime_seconds))
        ready = {None: "", True: "yes"}.get(process.ready, f"no: {process.waits_for}")
        line = f"{process.name:<12} {process.state:<10} {process.pid or '':>8} {process.port or '':>6}  {uptime:<16}"
        typer.echo(f"{line} {ready}".rstrip())
