"""The batch runtime: Faust agents that work on whole fetched batches and lose nothing."""

from streams.runtime.app import BatchApp
from streams.runtime.batch import Batch
from streams.runtime.config import RuntimeConfig
from streams.runtime.errors import (
    BatchRuntimeError,
    BrokenInvariantError,
    HandingOverError,
    OwnershipLostError,
    PublishError,
    RecordTooLargeError,
    SurfaceError,
)
from streams.runtime.fetched import Record
from streams.runtime.publisher import Headers, Out, Publisher
from streams.runtime.stage import AgentFunction, die
from streams.runtime.table import BatchTable, Shedding

__all__ = [
    "AgentFunction",
    "Batch",
    "BatchApp",
    "BatchRuntimeError",
    "BatchTable",
    "BrokenInvariantError",
    "HandingOverError",
    "Headers",
    "Out",
    "OwnershipLostError",
    "PublishError",
    "Publisher",
    "Record",
    "RecordTooLargeError",
    "RuntimeConfig",
    "Shedding",
    "SurfaceError",
    "die",
]
