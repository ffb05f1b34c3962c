"""`posto tenants`: whose channels there are."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from infra.commands.options import AsJson, By

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.mysql.channels import TenantRow
    from infra.context import Context

app = typer.Typer(
    help="Add, show and change tenants.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's id or name.")]
_ZONE = "America/Sao_Paulo"


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")],
    time_zone: Annotated[str, typer.Option("--time-zone", help="Its time zone, an IANA name.")] = _ZONE,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Add a tenant and print its id.

    - `posto tenants add "Padaria Sol"`; then `posto channels connect "Padaria Sol"` gives it a WhatsApp channel.
    """
    from infra.channels import registry
    from infra.commands.connecting import person, with_context, written

    async def added(context: "Context") -> "TenantRow":
        async with context.db.transaction() as session:
            return await registry.add_tenant(context, session, person(by), name, time_zone)

    row = asyncio.run(with_context(added))
    written(row, [str(row.id)], as_json=as_json)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the tenants with their channels.

    - `posto tenants list`
    """
    from infra import channels_view
    from infra.channels import registry
    from infra.commands.connecting import with_context, written

    rows = asyncio.run(with_context(registry.tenants))
    written(rows, channels_view.tenants(rows), as_json=as_json)


@app.command()
def show(tenant: Tenant, as_json: AsJson = False) -> None:
    """Show one tenant.

    - `posto tenants show "Padaria Sol"`
    """
    from infra import channels_view
    from infra.channels import registry
    from infra.commands.connecting import with_context, written

    row = asyncio.run(with_context(lambda context: registry.tenant_named(context, tenant)))
    written(row, channels_view.tenants([row]), as_json=as_json)


@app.command()
def change(
    tenant: Tenant,
    name: Annotated[str | None, typer.Option("--name", help="Its new name.")] = None,
    time_zone: Annotated[str | None, typer.Option("--time-zone", help="Its new time zone, an IANA name.")] = None,
    by: By = None,
) -> None:
    """Change a tenant's name or time zone.

    - `posto tenants change 1 --time-zone America/Manaus`
    """
    given = {"name": name, "time_zone": time_zone}
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        raise typer.BadParameter("say what to change: --name, --time-zone or both")
    _change(tenant, by, changes)


@app.command()
def disable(tenant: Tenant, by: By = None) -> None:
    """Send nothing for a tenant any more.

    - `posto tenants disable "Padaria Sol"`
    """
    _change(tenant, by, {"is_enabled": False})


@app.command()
def enable(tenant: Tenant, by: By = None) -> None:
    """Send for a tenant again.

    - `posto tenants enable "Padaria Sol"`
    """
    _change(tenant, by, {"is_enabled": True})


def _change(tenant: str, by: str | None, changes: "Mapping[str, object]") -> None:
    from infra import channels_view
    from infra.channels import registry
    from infra.channels.effects import put_in_force
    from infra.commands.connecting import person, with_context

    async def done(context: "Context") -> list[str]:
        row = await registry.tenant_named(context, tenant)
        changed = await registry.change_tenant(context, person(by), row.id, changes)
        reached = await put_in_force(context, changed.channel_id)
        return [*channels_view.tenants([changed]), str(reached)]

    for line in asyncio.run(with_context(done)):
        typer.echo(line)
