"""`posto edge`: the HTTP edge, alone."""

from typing import Annotated

import typer


def edge(
    host: Annotated[str | None, typer.Option(help="Address to listen on (POSTO_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (POSTO_EDGE_PORT).", min=1, max=65535)] = None,
) -> None:
    """Run the edge: it takes webhooks and events over HTTP and answers once they are kept.

    - `posto edge` listens on POSTO_HOST:POSTO_EDGE_PORT; while Kafka is away it keeps requests in POSTO_SPOOL_DIR.
    - `curl 127.0.0.1:8080/readyz` says whether a request would be kept now.
    - `curl 127.0.0.1:8080/api/events -H "Authorization: Bearer $EVENT_INGESTION_SECRET" -H 'Content-Type:
      application/json' -d '{"source_system":"erp","event_type":"billing.invoice.overdue","external_id":"1"}'` sends an
      event.
    """
    from infra.edge import run
    from infra.settings import load

    settings = load()
    run(settings, host or settings.posto_host, port or settings.posto_edge_port)
