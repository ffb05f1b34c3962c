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
    GATEWAY_DOWN = "gateway_down"
    """The gateway takes no requests; what is to be sent waits."""
    CHANNEL_DOWN = "channel_down"
    """A channel is not connected; what is to be sent by it waits."""
    CHANNEL_SILENT = "channel_silent"
    """No real message came or went by a channel for longer than is usual for it."""


class Alarm(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One alarm: the value of `ops.alarm`, keyed by its subject. `message` says what to do. `at` is UTC.

    `stage` counts from 1 and rises the longer it lasts. `is_over` says that what the alarm is about has ended.
    """

    kind: AlarmKind
    subject: str
    message: str
    at: datetime
    stage: int = 1
    is_over: bool = False
    schema_version: int = SCHEMA_VERSION
