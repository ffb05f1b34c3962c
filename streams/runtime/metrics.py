"""What the runtime counts."""

from prometheus_client import Counter, Histogram

RECORDS = Counter("posto_stage_records_total", "Records that a stage acknowledged.", ["stage"])
RETRIES = Counter("posto_stage_retries_total", "Times that a stage waited out a transient fault.", ["stage"])
DEAD_LETTERS = Counter("posto_dead_letters_total", "Records that a stage sent to dead.letter.", ["stage"])
BATCH_RECORDS = Histogram(
    "posto_stage_batch_records",
    "Records worked through at once.",
    ["stage"],
    buckets=(1, 4, 16, 64, 256, 1024, 4096, 16384),
)
