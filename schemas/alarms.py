"""Alarms: what the hub noticed by itself and a person must look at."""

from datetime import datetime
from enum import StrEnum

import msgspec

from schemas.events import SCHEMA_VERSION


class AlarmKind(StrEnum):
    """What an alarm is about."""

    CONFIGURATION_VANISHED = "configuration_vanished"
    """Whole tables of authored configuration lost their rows; nothing was published."""
    CONFIGURATION_REFUSED = "configuration_refused"
    """A row of authored configuration makes no sense; what was published before stays in force."""


class Alarm(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One alarm: the value of `ops.alarm`, keyed by its subject. `message` says what to do. `at` is UTC."""

    kind: AlarmKind
    subject: str
    message: str
    at: datetime
    schema_version: int = SCHEMA_VERSION
