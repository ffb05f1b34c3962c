"""The schema of MySQL: numbered SQL files, applied in order, once each, by whoever comes first."""

from infra.migrations.runner import Migration, MigrationError, answers, migrate, migrations

__all__ = ["Migration", "MigrationError", "answers", "migrate", "migrations"]
