"""The configuration, as the Admin API shows it."""

from datetime import datetime

from schemas.admin.values import Shown


class WorkerShown(Shown):
    """A live worker; without `applied_at` it has not said what it has put in force."""

    worker: str
    host: str | None
    pid: int | None
    applied_at: datetime | None
    is_current: bool


class FaultShown(Shown):
    """A row that is not published, or an entry that does not work, and why."""

    subject: str
    reason: str


class ConfigurationShown(Shown):
    """What MySQL says against what is in force. `pending` entries are about to be published."""

    is_complete: bool
    is_in_force: bool
    pending: int
    vanished: list[str]
    faults: list[FaultShown]
    workers: list[WorkerShown]
