"""Faust's recovery of the tables, as far as it must not end a rebalance that began behind its back."""

from contextvars import ContextVar

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery

_generation: ContextVar[int] = ContextVar("generation")
"""The generation of the recovery that a task works for."""


def is_of(generation: int) -> bool:
    """Whether the recovery that runs here, if one does, worked for this generation."""
    return _generation.get(generation) == generation


class GenerationRecovery(Recovery):
    """Says for which generation it ends: its last steps wait, and the next rebalance may begin meanwhile."""

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Called once the tables are complete."""
        _generation.set(generation_id)
        await super().on_recovery_completed(generation_id)

    async def _resume_streams(self, generation_id: int = 0) -> None:
        _generation.set(generation_id)
        await super()._resume_streams(generation_id)


class GenerationTables(TableManager):
    """The tables of an app, with that recovery."""

    _recovery: Recovery | None

    @property
    def recovery(self) -> Recovery:
        """The recovery, made when it is first asked for."""
        if self._recovery is None:
            self._recovery = GenerationRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
