"""How dead letters look: lists, one with its history, its bytes; personal data only where it is asked for."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from infra.dead_letters.found import FoundLetter, Group, Happening
from infra.logging import MASKED, mask_phones

_SHOWN_AS_THEY_ARE: Final = frozenset(
    {
        *("event", "event_type", "source_system", "type", "kind", "action", "status", "state", "ack", "tenant_id"),
        *("event_id", "trace_id", "command_id", "correlation_id", "traceparent", "template", "rule_id"),
        *("occurred_at", "received_at", "created_at", "expires_at", "timestamp", "schema_version", "revision"),
    }
)
"""Fields whose values name no person, whatever the body is; phones in them are masked all the same."""
_LEAST_PHONE: Final = 10**7
_LONGEST_SHOWN: Final = 200
_LONGEST_REASON: Final = 120


def discreet(letter: FoundLetter) -> FoundLetter:
    """The same letter with phones masked in what it says."""
    past = [
        msgspec.structs.replace(one, error_message=_masked(one.error_message), reason=_masked(one.reason))
        for one in letter.history
    ]
    return msgspec.structs.replace(
        letter, error_message=mask_phones(letter.error_message), channel=_masked(letter.channel), history=past
    )


def print_list(console: Console, letters: Iterable[FoundLetter]) -> None:
    """One line a letter."""
    table = Table(box=None)
    for title in ("failed (UTC)", "state", "times", "dead letter", "reason"):
        table.add_column(title, overflow="fold")
    for letter in letters:
        reason = f"{letter.error_class}: {_line(letter.error_message, _LONGEST_REASON)}"
        row = (f"{letter.failed_at:%Y-%m-%d %H:%M:%S}", letter.state, str(letter.failures), letter.id, reason)
        table.add_row(*map(escape, row))
    console.print(table)


def print_groups(console: Console, groups: Sequence[Group]) -> None:
    """One line a kind of letters, with what redriving would do."""
    table = Table(box=None)
    for title in ("letters", "stage", "reason", "from (UTC)", "until (UTC)", "redriven"):
        table.add_column(title, overflow="fold")
    for group in groups:
        way = f"no: {group.cannot_be_redriven}" if group.cannot_be_redriven else f"to {group.source_topic}"
        times = (f"{at:%Y-%m-%d %H:%M:%S}" for at in (group.first_failed_at, group.last_failed_at))
        table.add_row(*map(escape, (f"{group.letters:,}", group.stage, group.error_class, *times, way)))
    console.print(table)


def print_letter(console: Console, letter: FoundLetter, body: Sequence[str]) -> None:
    """One letter with all that became of it, and the lines of its body."""
    tree = Tree(f"[bold]{escape(letter.id)}[/bold]  {letter.state}")
    about = [("trace", letter.trace_id), ("tenant", letter.tenant_id), ("channel", letter.channel)]
    tree.add(escape("  ".join(f"{name} {value}" for name, value in about if value is not None)) or "nobody's")
    tree.add(escape(f"lies at {letter.letter}"))
    way = letter.cannot_be_redriven
    tree.add(escape(f"cannot be redriven: {way}" if way else f"is redriven to {letter.name.source.topic}"))
    past = tree.add("history")
    for one in letter.history:
        past.add(escape(f"{one.at:%Y-%m-%d %H:%M:%S}  {said(one)}"))
    original = tree.add(f"{letter.original_bytes:,} bytes")
    for line in body:
        original.add(escape(line))
    console.print(tree)


def said(one: Happening) -> str:
    """An entry of a letter's history in words."""
    who = f" by {one.actor}" if one.actor else ""
    why = f": {one.error_class}: {_line(one.error_message)}" if one.error_class else ""
    because = f" ({_line(one.reason)})" if one.reason else ""
    again = " again" if one.what == "failed" and one.round else ""
    where = f", {one.record}" if one.record else ""
    return f"{one.what}{again}{who}{why}{because}{where}"


def body(original: bytes | None, *, show_personal: bool, is_whole: bool) -> list[str]:
    """The bytes of a letter as lines that any terminal can take; without `show_personal`, their shape alone."""
    if original is None:
        return ["none"]
    try:
        known = msgspec.json.decode(original)
    except (ValueError, RecursionError):
        if not show_personal:
            return ["no JSON; --show-personal shows it as it is"]
        text = original.decode(errors="backslashreplace")
        lines = text.splitlines()
    else:
        shown = known if show_personal else _shape(known)
        lines = msgspec.json.format(msgspec.json.encode(shown)).decode().splitlines()
    return [printable(line) for line in lines] + ([] if is_whole else ["..."])


def printable(line: str) -> str:
    """A line without what a terminal would obey."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)


def _shape(value: Any, name: str = "") -> Any:
    match value:
        case dict():
            return {mask_phones(key): _shape(item, key) for key, item in value.items()}
        case list():
            return [_shape(item, name) for item in value]
        case str() if name in _SHOWN_AS_THEY_ARE and len(value) <= _LONGEST_SHOWN:
            return mask_phones(value)
        case str():
            return f"({len(value)} characters)"
        case int() | float() if name not in _SHOWN_AS_THEY_ARE and abs(value) >= _LEAST_PHONE:
            return MASKED
        case _:
            return value


def _line(text: str | None, longest: int = _LONGEST_SHOWN) -> str:
    shown = printable(" ".join((text or "").split()))
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def _masked(text: str | None) -> str | None:
    return None if text is None else mask_phones(text)
