"""How many commands of this worker are not over, by state: a metric that is counted along, never by looking at all."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final
from weakref import WeakSet

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from schemas.deliveries import Status
from streams.deliveries import OPEN


class OpenCommands:
    """Those of one partition, for as long as its owner has it."""

    def __init__(self) -> None:
        self._states: dict[bytes, Status] = {}
        self._counts: Counter[Status] = Counter()
        _ALL.add(self)

    def put(self, key: bytes, status: Status) -> None:
        """A command is in this state now."""
        before = self._states.pop(key, None)
        if before is not None:
            self._counts[before] -= 1
        if status in OPEN:
            self._states[key] = status
            self._counts[status] += 1

    def clear(self) -> None:
        """The partition is somebody else's."""
        self._states.clear()
        self._counts.clear()

    @property
    def counts(self) -> Mapping[Status, int]:
        """How many are in each state."""
        return self._counts


class _Gauge(Collector):
    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily("posto_commands", "Commands that are not over.", labels=["state"])
        total: Counter[Status] = Counter()
        for one in list(_ALL):
            total.update(one.counts)
        for status in OPEN:
            family.add_metric([status], total[status])
        yield family


_ALL: Final[WeakSet[OpenCommands]] = WeakSet()
REGISTRY.register(_Gauge())
