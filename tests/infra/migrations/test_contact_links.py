"""Contacts from before there were links: their lids are unresolved, with the reason."""

import shutil
from pathlib import Path

import pytest

from infra.database import database as database_of
from infra.migrations import migrate
from infra.migrations.runner import FOLDER
from infra.settings import load

pytestmark = pytest.mark.integration

CONTACTS = "INSERT INTO contacts (tenant_id, contact, first_seen_at, last_seen_at) VALUES (1, %s, NOW(6), NOW(6))"


async def test_lids_that_were_there_before_have_no_evidence(mysql: str, tmp_path: Path) -> None:
    settings = load(mysql_dsn=mysql)
    for file in sorted(FOLDER.glob("*.sql")):
        if file.name < "0007":
            shutil.copy(file, tmp_path)
    await migrate(settings, tmp_path)
    database = database_of(settings)
    for contact in ("100000000000001@lid", "554799990001"):
        await database.execute(CONTACTS, (contact,))

    await migrate(settings)

    rows = await database.fetch(
        "SELECT contact, same_as, link_state, link_reason, person FROM contacts ORDER BY contact"
    )
    await database.close()
    assert [tuple(row.values()) for row in rows] == [
        ("100000000000001@lid", None, "unresolved", "no evidence", "100000000000001@lid"),
        ("554799990001", None, None, None, "554799990001"),
    ]
