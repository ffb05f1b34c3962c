"""What the routes of the Admin API work with."""

from typing import Annotated

from fastapi import Depends, Request

from infra.context import Context


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


InContext = Annotated[Context, Depends(_context)]
