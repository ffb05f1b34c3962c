"""The text of a command that was let go once it was closed, read from the log again where somebody wants it sent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TypeAlias

from schemas.commands import Command
from schemas.deliveries import DeliveryFact, EvidenceKind, OperatorDecision
from streams.sending.book import Book, command_key
from streams.sending.desk import Found, Incoming

Read: TypeAlias = Callable[[int, int], AsyncIterator[tuple[int, DeliveryFact]]]
"""The facts of a partition from an offset on (`StatusLog.read`)."""


async def recalled(book: Book, read: Read, inputs: Sequence[Incoming]) -> Sequence[Incoming]:
    """The same inputs, with the command where an operator wants a closed one sent again."""
    if not any(isinstance(given, Found) and given.evidence.kind is EvidenceKind.DECISION for given in inputs):
        return inputs
    return await asyncio.gather(*(_with_command(book, read, given) for given in inputs))


async def _with_command(book: Book, read: Read, given: Incoming) -> Incoming:
    if not isinstance(given, Found) or given.evidence.detail.get("decision") != OperatorDecision.RESEND:
        return given
    command_id = given.evidence.command_id
    first = book.first_offset(command_key(command_id)) if command_id else None
    if command_id is None or first is None:
        return given
    return replace(given, command=await _command(read, book.partition, first, command_id))


async def _command(read: Read, partition: int, first: int, command_id: str) -> Command | None:
    async with aclosing(read(partition, first)) as facts:  # type: ignore[type-var]
        async for _, fact in facts:
            if fact.command_id == command_id and fact.command:
                return fact.command
    return None
