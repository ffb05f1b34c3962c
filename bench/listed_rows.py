"""Rows for the lists of the Admin API, written by the server itself: as many as are wanted in each long table."""

from typing import Final

from adapters.mysql.pool import Database

_AT_ONCE: Final = 50_000


async def fill(db: Database, rows: int) -> None:
    """Put so many rows into each table: ten a second of their own time, of twenty tenants, one in a hundred failed."""
    for table, insert in _INSERTS.items():
        for first in range(0, rows, _AT_ONCE):
            await db.execute(f"{insert} FROM {_NUMBERS}", (first, min(rows, first + _AT_ONCE)))
        await db.execute(f"ANALYZE TABLE {table}")


_DIGITS: Final = "(SELECT 0 AS n " + " ".join(f"UNION ALL SELECT {digit}" for digit in range(1, 10)) + ")"
_NUMBERS: Final = f"""(
    SELECT %s + a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n AS n
    FROM {_DIGITS} AS a, {_DIGITS} AS b, {_DIGITS} AS c, {_DIGITS} AS d, {_DIGITS} AS e HAVING n < %s ORDER BY n
) AS number"""  # noqa: S608
_AT: Final = "TIMESTAMP('2026-01-01') + INTERVAL n * 100000 MICROSECOND"
_CONTACT: Final = "CONCAT('55479', LPAD(n %% 5000, 7, '9'))"
_CHANNEL: Final = "CONCAT('canal', n %% 20)"
_INSERTS: Final = {
    "communication_events": f"""
INSERT INTO communication_events (event_id, idempotency_key, event_type, source_system, tenant_id, channel_id, contact,
    trace_id, kind, status, action, occurred_at, received_at, raw_topic, raw_partition, raw_offset, fingerprint,
    revision, precedence, payload, metadata)
SELECT CONCAT('event-', n), CONCAT('erp|', n), IF(n %% 5 = 0, 'order.paid', 'order.sent'), 'erp', n %% 20, {_CHANNEL},
    {_CONTACT}, CONCAT('trace-', n), 'accepted', IF(n %% 100 = 0, 'failed', 'processed'), 'none', {_AT}, {_AT},
    'raw.event', n %% 8, n, 'f', 1, 0, CONCAT('{{"name": "Ana ', n, '", "filler": "', REPEAT('x', 300), '"}}'), '{{}}'
""",
    "outbound_messages": f"""
INSERT INTO outbound_messages (command_id, event_id, event_type, trace_id, tenant_id, channel_id, recipient, contact,
    status, attempts, created_at, updated_at, body)
SELECT CONCAT('command-', n), CONCAT('event-', n), 'order.paid', CONCAT('trace-', n), n %% 20, {_CHANNEL}, '5547',
    {_CONTACT}, IF(n %% 100 = 0, 'failed', 'read'), 1, {_AT}, {_AT}, REPEAT('x', 200)
""",
    "dead_letters": f"""
INSERT INTO dead_letters (stage, source_topic, source_partition, source_offset, letter_partition, letter_offset,
    error_class, error_message, trace_id, headers, original, original_bytes, created_at, failed_at, tenant_id, state)
SELECT IF(n %% 2, 'router', 'normalizer'), 'raw.event', n %% 8, n, 0, n, 'ValueError', REPEAT('x', 100),
    CONCAT('trace-', n), '{{}}', REPEAT('y', 200), 200, {_AT}, {_AT}, n %% 20, IF(n %% 2, 'open', 'discarded')
""",
    "audit_log": f"""
INSERT INTO audit_log (source_partition, source_offset, at, actor, action, subject, detail)
SELECT 0, n, {_AT}, IF(n %% 2, 'Ana', 'Rui'), 'rule.changed', CONCAT('rule:', n %% 1000), '{{"reason": null}}'
""",
    "conversations": f"""
INSERT INTO conversations (id, tenant_id, channel_id, contact, status, assigned_to, unread, last_message_at,
    last_message_key)
SELECT CONCAT({_CHANNEL}, ':', n), n %% 20, {_CHANNEL}, n, IF(n %% 100 = 0, 'open', 'closed'),
    IF(n %% 7 = 0, 'Ana', NULL), n %% 1000 = 0, {_AT}, CONCAT('message-', n)
""",
    "messages": f"""
INSERT INTO messages (channel_id, message_key, direction, tenant_id, event_conversation_id, event_at,
    event_received_at, type, text)
SELECT {_CHANNEL}, CONCAT('message-', n), IF(n %% 2, 'inbound', 'outbound'), n %% 20,
    IF(n %% 2, 'canal0:0', CONCAT({_CHANNEL}, ':', n %% 1000)), {_AT}, {_AT}, 'text', REPEAT('x', 100)
""",
}
