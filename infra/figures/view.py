"""The overview for people: a few lines, phones masked."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from infra.figures.overview import Overview
from infra.figures.tables import ChannelFigures, Tables
from infra.logging import mask_phones


def lines(hub: Overview, now: datetime | None = None) -> Iterator[str]:
    """What to print, line by line."""
    now = now or datetime.now(UTC)
    behind = [lag for lag in hub.topics or () if lag.records]
    if hub.topics is not None:
        yield _line("lag", "none" if not behind else f"{sum(lag.records for lag in behind):,} records")
    for lag in behind:
        yield _line("", f"{lag.topic:<20} {lag.records:>9,}  oldest {ago(lag.oldest_at, now)}")
    if hub.tables is not None:
        yield from _tables(hub.tables, now)
    if hub.edge is not None:
        yield from _edge(hub.edge)
    if hub.alarms is not None:
        yield _line("alarms", str(len(hub.alarms) or "none"))
    for alarm in hub.alarms or ():
        head = f"{alarm.kind} {mask_phones(alarm.subject)}, stage {alarm.stage}, for {ago(alarm.since, now)}"
        yield _line("", f"{head}: {mask_phones(alarm.message)}")
    for part, reason in sorted(hub.unknown.items()):
        yield _line("unknown", f"{part}: {reason}")
    if hub.tables is not None and hub.tables.channels:
        yield ""
        yield f"{'channel':<24} {'state':<14} {'last in':>8} {'last own':>9} {'last ack':>9}"
        yield from (_channel(channel, now) for channel in hub.tables.channels)


def _tables(tables: Tables, now: datetime) -> Iterator[str]:
    waiting = [
        f"{number:,} {status} ({ago(tables.waiting_since.get(status), now)})"
        for status, number in tables.commands.items()
        if number
    ]
    yield _line("commands", ", ".join(waiting) or "none open")
    if tables.commands.get("uncertain"):
        yield _line("", "`posto deliveries uncertain` lists those of which nobody knows whether they were sent")
    yield _line("dead letters", f"{tables.dead_letters:,}: see `posto dead-letters`" if tables.dead_letters else "none")
    held = f"{tables.quarantined:,} events: see `posto channels quarantine`"
    yield _line("quarantined", held if tables.quarantined else "none")


def _edge(edge: Mapping[str, float]) -> Iterator[str]:
    waiting = edge.get("backlog_entries", 0)
    yield _line("edge", f"{waiting:,.0f} records wait for Kafka's word" if waiting else "nothing waits")
    if spooled := edge.get("spool_entries", 0):
        size, age = edge.get("spool_bytes", 0), edge.get("spool_oldest_seconds", 0)
        yield _line("spool", f"{spooled:,.0f} records, {size:,.0f} bytes, oldest {_span(age)}: Kafka is away, or was")
    if edge.get("spool_usable") == 0:
        yield _line("spool", "cannot be used: while Kafka is away requests are refused; the edge's log says why")
    if unreadable := edge.get("spool_unreadable_slots", 0):
        yield _line("spool", f"{unreadable:,.0f} folders of it are of another version, and wait for that")


def _channel(one: ChannelFigures, now: datetime) -> str:
    state = (one.state or "not known") if one.is_enabled else "disabled"
    times = (one.last_inbound_at, one.last_outbound_at, one.last_ack_at)
    inbound, own, ack = ("never" if at is None else ago(at, now) for at in times)
    return f"{mask_phones(one.channel):<24} {state:<14} {inbound:>8} {own:>9} {ack:>9}"


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that fits twice: `90 s`, `3 min`, `5 h`, `12 d`."""
    return _span(max((now - at) / timedelta(seconds=1), 0) if at else 0)


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _line(name: str, text: str) -> str:
    return f"{name:<12} {text}"
