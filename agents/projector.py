"""The log into MySQL: what people read follows from the topics that the projector takes."""

from typing import Final

from adapters.mysql.projector import TOPICS, Projector
from streams.runtime import AgentFunction, Batch

SOURCES = TOPICS
OUTPUTS = ()

SPACING: Final = 0.25
"""Seconds between the beginnings of two transactions: what comes meanwhile costs the database one, not many."""


def build(projector: Projector) -> AgentFunction:
    """The agent: writes a batch with its positions; what can never be written is a dead letter."""

    async def agent(batch: Batch) -> None:
        await projector.project(batch.records)

    return agent
