"""What a spool counts."""

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import Collector

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class SpoolMetrics:
    """The metrics of one edge's spool; `collectors` go into the edge's registry."""

    def __init__(self) -> None:
        self.entries = Gauge("posto_edge_spool_entries", "Entries in the spool.", registry=None)
        self.bytes = Gauge("posto_edge_spool_bytes", "Bytes in the spool.", registry=None)
        self.age_seconds = Gauge(
            "posto_edge_spool_oldest_seconds", "How long the oldest entry of the spool has waited.", registry=None
        )
        self.is_used = Gauge(
            "posto_edge_spool_in_use",
            "1 while requests are kept in the spool, 0 while they go to Kafka.",
            registry=None,
        )
        self.is_usable = Gauge(
            "posto_edge_spool_usable",
            "1 where there is a spool to fall back on, 0 where there is Kafka alone.",
            registry=None,
        )
        self.unreadable_slots = Gauge(
            "posto_edge_spool_unreadable_slots", "Folders of the spool that this version cannot read.", registry=None
        )
        self.written = Counter("posto_edge_spool_written", "Entries written to the spool.", registry=None)
        self.drained = Counter("posto_edge_spool_drained", "Entries of the spool that Kafka has.", registry=None)
        self.set_aside = Counter(
            "posto_edge_spool_set_aside", "Entries taken out of the way: damaged, or refused by Kafka.", registry=None
        )
        self.damaged_files = Counter(
            "posto_edge_spool_damaged_files", "Files of the spool that were found damaged.", registry=None
        )
        self.failed_writes = Counter(
            "posto_edge_spool_failed_writes", "Groups that could not be written to the disk.", registry=None
        )
        self.write_seconds = Histogram(
            "posto_edge_spool_write_seconds",
            "How long a group took until it was on the disk, fsync included.",
            buckets=_SECONDS,
            registry=None,
        )

    @property
    def collectors(self) -> list[Collector]:
        """All of them."""
        return list(vars(self).values())
