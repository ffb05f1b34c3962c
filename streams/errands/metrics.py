"""What the errands count."""

from prometheus_client import Counter, Gauge

ATTEMPTS = Counter("posto_errand_attempts_total", "Tries of errands, by what came of them.", ["kind", "answer"])
WAITING = Gauge("posto_errands_waiting", "Errands that are not over.", ["kind"])
