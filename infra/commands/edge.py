"""`posto edge`: the HTTP edge, alone."""

from pathlib import Path
from typing import Annotated

import typer


def edge(
    host: Annotated[str | None, typer.Option(help="Address to listen on (POSTO_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (POSTO_EDGE_PORT).", min=1, max=65535)] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that share the port (POSTO_EDGE_WORKERS).", min=1, max=64)
    ] = None,
    number: Annotated[int, typer.Option(help="Which of the processes this is.", hidden=True)] = 0,
    folder: Annotated[Path, typer.Option(help="Where the processes find each other.", hidden=True)] = Path(),
) -> None:
    """Run the edge: it takes webhooks and events over HTTP and answers once they are kept.

    - `posto edge` listens on POSTO_HOST:POSTO_EDGE_PORT; while Kafka is away it keeps requests in POSTO_SPOOL_DIR.
    - `posto edge --workers 4` does so with four processes, and starts one again that ended.
    - `curl 127.0.0.1:8080/readyz` says whether a request would be kept now.
    - `curl 127.0.0.1:8080/api/events -H "Authorization: Bearer $EVENT_INGESTION_SECRET" -H 'Content-Type:
      application/json' -d '{"source_system":"erp","event_type":"billing.invoice.overdue","external_id":"1"}'` sends an
      event.
    """
    from adapters.edge.siblings import Siblings
    from infra.edge import run, run_one
    from infra.settings import load

    settings = load()
    address = host or settings.posto_host, port or settings.posto_edge_port
    count = workers or settings.posto_edge_workers
    if number:
        run_one(settings, *address, Siblings(folder, number, count))
    else:
        run(settings, *address, count)
