"""`posto up`: the whole stack on this machine."""

from typing import Annotated

import typer


def up(
    demo: Annotated[bool, typer.Option(help="Send one invoice and one message through and show their traces.")] = True,
) -> None:
    """Start everything on this machine: Kafka, database, simulator, edge, workers; then send a first event through.

    Running it again is harmless: what runs stays, what changed (code, ports, settings) is restarted.

    - `posto up` uses `.local/` and the usual ports.
    - `KAFKA_BOOTSTRAP_SERVERS=broker:9092 posto up` uses that Kafka; the same goes for MYSQL_DSN and
      WPP_GATEWAY_BASE_URL.
    - `POSTO_WORKERS=3 posto up` runs three workers.
    - `POSTO_LOCAL_DIR=.local2 POSTO_EDGE_PORT=8180 POSTO_SIM_PORT=8190 POSTO_KAFKA_PORT=19192 POSTO_MYSQL_PORT=13406
      POSTO_METRICS_PORT=9201 posto up` is a second copy beside the first.
    """
    from infra.stack.progress import Progress
    from infra.stack.up import up as bring_up

    with Progress() as progress:
        try:
            environment = bring_up(progress, demo=demo)
        except KeyboardInterrupt:
            progress.line("Interrupted. `posto up` goes on from here; `posto down` stops what already runs.")
            raise typer.Exit(130) from None
    edge = f"http://127.0.0.1:{environment.values['POSTO_EDGE_PORT']}"
    typer.echo(
        f"\nPosto is up: {edge}; its secrets and addresses: . {environment.values['POSTO_LOCAL_DIR']}/env"
        "\n`posto status` shows the processes, `posto doctor` checks them, `posto down` stops them."
    )
