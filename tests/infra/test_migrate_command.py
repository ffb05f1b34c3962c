"""`posto migrate` as a script runs it, in the order of docker-compose.kafka.yml."""

import json
from pathlib import Path

import pytest

from tests.support.stack import posto

pytestmark = pytest.mark.integration


def test_a_fresh_database_is_migrated_and_seeded_once(mysql: str, tmp_path: Path) -> None:
    settings = {"MYSQL_DSN": mysql}
    pending = posto(tmp_path, settings, "migrate", "--check", "--json")
    assert pending.returncode == 1
    assert json.loads(pending.stdout)["applied_now"] == []

    first = posto(tmp_path, settings, "migrate", "--seed", "--json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["pending"] == []
    assert "routing_rules" in json.loads(first.stdout)["seeded"]

    again = json.loads(posto(tmp_path, settings, "migrate", "--seed", "--json").stdout)
    assert (again["applied_now"], again["seeded"]) == ([], [])
