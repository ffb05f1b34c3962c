"""`posto worker`: the agents, in one process."""


def worker() -> None:
    """Run a worker: it normalizes, routes, sends and projects, together with all others of its kind.

    - `posto worker` takes its share of the partitions; start another one and they share. At most as many as
      POSTO_PARTITIONS have something to do.
    - `curl 127.0.0.1:9101/readyz` says whether it works, or what it waits for; `/metrics` has its counts.
    - SIGTERM lets it finish what it has in hand and hand its partitions over.
    """
    from infra.settings import load
    from infra.worker import serve

    serve(load())
