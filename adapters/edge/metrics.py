"""What the edge counts. Labels are routes and outcomes, never anything that a caller wrote."""

from collections.abc import Callable
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from adapters.edge.log import Log

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one edge, in a registry of their own."""

    def __init__(self, log: Log) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        requests = Counter("posto_edge_requests", "Requests by outcome.", ["route", "status"], registry=self.registry)
        seconds = Histogram(
            "posto_edge_request_seconds",
            "From the first byte let in to the answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        events = Counter("posto_edge_events", "Events by verdict.", ["verdict"], registry=self.registry)
        self._gauge("posto_edge_backlog_bytes", "Bytes that wait for Kafka.", lambda: log.backlog_bytes)
        self._gauge("posto_edge_backlog_entries", "Records that wait for Kafka.", lambda: log.backlog_entries)
        self._bytes = Counter("posto_edge_body_bytes", "Bytes of the bodies read.", registry=self.registry)
        self._requests = lru_cache(maxsize=1024)(requests.labels)
        self._seconds = lru_cache(maxsize=64)(seconds.labels)
        self._accepted = events.labels("accepted")
        self._rejected = events.labels("rejected")

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests(route, str(status)).inc()
        self._seconds(route).observe(seconds)

    def count_body(self, size: int) -> None:
        """Count a body that was read."""
        self._bytes.inc(size)

    def count_events(self, accepted: int = 0, rejected: int = 0) -> None:
        """Count events of `POST /api/events`."""
        self._accepted.inc(accepted)
        self._rejected.inc(rejected)

    def _gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        Gauge(name, text, registry=self.registry).set_function(read)
