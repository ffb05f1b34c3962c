"""What a fresh database starts with: default rules and templates, a demo tenant with its channel."""

from collections.abc import Sequence
from typing import Any, Final

from adapters.mysql.pool import Database
from infra.database import database, reachable
from infra.defaults import default_rules, default_templates
from infra.settings import Settings

DEMO_TENANT: Final = 1
DEMO_CHANNEL: Final = "Canal Um"

_RULE: Final = "INSERT INTO routing_rules (id, event_type, action, template) VALUES (%s, %s, %s, %s)"
_TEMPLATE: Final = "INSERT INTO message_templates (name, body) VALUES (%s, %s)"
_TENANT: Final = "INSERT INTO tenants (id, name) VALUES (%s, %s)"
_CHANNEL: Final = "INSERT INTO tenant_message_channels (tenant_id, channel_id, display_name) VALUES (%s, %s, %s)"


async def seed(settings: Settings) -> list[str]:
    """Fill the tables that have no row at all; the names of those that were filled.

    A table that a person has touched stays as it is, also where a default row was deleted on purpose.
    """
    db = database(settings)
    try:
        await reachable(db)
        rules = [(rule.id, rule.event_type, rule.action, rule.template) for rule in default_rules()]
        templates = [(template.id, template.body) for template in default_templates()]
        filled = [
            await _fill(db, "message_templates", _TEMPLATE, templates),
            await _fill(db, "routing_rules", _RULE, rules),
            await _fill(db, "tenants", _TENANT, [(DEMO_TENANT, "Tenant Demo")]),
        ]
        if filled[-1]:
            channel = (DEMO_TENANT, DEMO_CHANNEL, "Canal de demonstração")
            filled.append(await _fill(db, "tenant_message_channels", _CHANNEL, [channel]))
        return [table for table in filled if table]
    finally:
        await db.close()


async def _fill(db: Database, table: str, statement: str, rows: Sequence[Sequence[Any]]) -> str | None:
    async with db.transaction() as session:
        if await session.fetch(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608 (a name of ours)
            return None
        for row in rows:
            await session.execute(statement, row)
    return table
