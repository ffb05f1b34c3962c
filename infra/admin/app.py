"""The Admin API as an ASGI application: its routes, and around them who asks and what goes wrong."""

from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline

from infra import tokens
from infra.admin import (
    audit,
    channel_setup,
    channels,
    configuration,
    conversations,
    dead_letters,
    deliveries,
    dry_runs,
    events,
    rules,
    targets,
    templates,
    tenants,
    traces,
)
from infra.admin.access import Authentication
from infra.admin.bodies import BoundedBodies
from infra.admin.description import describe
from infra.admin.problems import HANDLERS
from infra.context import Context
from infra.tokens import TokenHolder

ROUTERS: Final[tuple[APIRouter, ...]] = (
    tenants.router,
    channels.router,
    channel_setup.router,
    rules.router,
    dry_runs.router,
    templates.router,
    targets.router,
    configuration.router,
    conversations.router,
    events.router,
    traces.router,
    deliveries.router,
    dead_letters.router,
    audit.router,
)
"""One a resource."""

_LARGEST_BODY: Final = 1_048_576
_ABOUT: Final = """
Set up and changed by API: what `posto` does on the command line, with the same words.

- Send a token: `Authorization: Bearer <token>`. `posto tokens create` makes one; its scope is `read`, `operate` or
  `admin`, each including those before it.
- Lists come in pages: send `next_cursor` back as `cursor`, with the same filters, until there is none.
- A change needs `If-Match` with the `ETag` of what was read; a 412 holds what there is now.
- A creation takes an `Idempotency-Key`: sent again, it gets the same answer, and nothing is created twice.
- Every error is a problem document (RFC 9457).
"""


def build(context: Context) -> FastAPI:
    """The app on what its routes work with, which the caller closes."""
    app = FastAPIOffline(
        docs_url="/docs",
        redoc_url=None,
        static_url="/docs/static",
        title="Posto",
        summary="Admin API of the hub",
        description=_ABOUT,
        version="1",
        redirect_slashes=False,
        exception_handlers=HANDLERS,
    )
    app.state.context = context
    for router in ROUTERS:
        app.include_router(router, prefix="/api/admin")

    async def holder_of(token: str) -> TokenHolder | None:
        return await tokens.holder_of(context.settings, context.tokens_db, token)

    app.add_middleware(BoundedBodies, max_bytes=_LARGEST_BODY)
    app.add_middleware(Authentication, holder_of=holder_of)
    document = describe(app)
    app.openapi = lambda: document  # type: ignore[method-assign]
    return app
