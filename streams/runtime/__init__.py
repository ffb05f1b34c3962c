"""The batch runtime: Faust agents that work on whole fetched batches and lose nothing.

What needs Faust is imported when it is first asked for: the edge and most commands only write records or read them, and
would otherwise hold 40 MB more and start half a second later.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

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

if TYPE_CHECKING:
    from streams.runtime.app import BatchApp
    from streams.runtime.batch import Batch
    from streams.runtime.config import RuntimeConfig
    from streams.runtime.stage import AgentFunction, die
    from streams.runtime.table import BatchTable, Shedding

_LATER: Final = {
    "AgentFunction": "stage",
    "Batch": "batch",
    "BatchApp": "app",
    "BatchTable": "table",
    "RuntimeConfig": "config",
    "Shedding": "table",
    "die": "stage",
}

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


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
