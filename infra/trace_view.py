"""How a trace looks: a tree for people; phones and texts only where they are asked for."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from infra.dead_letters.view import said
from infra.logging import MASKED, mask_phones
from infra.trace_records import CommandRecord, EventRecord, Fact, MediaRecord, PostRecord, Trace

_PARTIES: Final = frozenset({"recipient", "contact", "conversation_id"})
"""Fields that name a person, however short the number is."""
HIDDEN: Final = "(hidden; --show-personal shows it)"
_NO_FOLDING: Final = 1_000
_SHOWN_DETAILS: Final = ("by", "http_status", "reason", "message", "retry_at")


def discreet(trace: Trace) -> Trace:
    """The same trace with phones masked and texts left out."""
    known = msgspec.to_builtins(trace)
    return msgspec.convert(_without_personal(known), Trace)


def console() -> Console:
    """Standard output: lines are folded on a terminal only, so that other programs find one step on one line."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=_NO_FOLDING)


def print_trace(console: Console, trace: Trace) -> None:
    """The chain of one event, each step with its time, the time since the event came in, and where it lies in Kafka."""
    console.print(_tree(trace))


def print_list(console: Console, traces: Iterable[Trace]) -> None:
    """One line an event, for when there are several."""
    table = Table(box=None)
    for title in ("received (UTC)", "event type", "status", "event id", "channel"):
        table.add_column(title, overflow="fold")
    for event in (trace.event for trace in traces):
        if event:
            row = (f"{event.received_at:%Y-%m-%d %H:%M:%S}", event.event_type, event.status, event.event_id)
            table.add_row(*map(escape, row), escape(event.channel or ""))
    console.print(table)


def _tree(trace: Trace) -> Tree:
    tree = Tree(f"[bold]trace {escape(trace.trace_id)}[/bold]")
    start = _start(trace)
    for sighting in trace.sightings:
        tree.add(f"raw      {_when(sighting.received_at, start)}  {escape(str(sighting.raw))}  {sighting.kind}")
    if trace.event:
        _add_event(tree, trace.event)
    for command in trace.commands:
        _add_command(tree, command, start)
    for post in trace.posts:
        _add_post(tree, post, start)
    for message in trace.messages:
        where = escape(message.conversation_id or "no conversation")
        when = f"{message.at:%H:%M:%S}" if message.at else ""  # whole seconds, by the network's clock
        branch = tree.add(f"message  {when}  {message.direction} in {where}  [bold]{message.status}[/bold]")
        if message.text and message.direction == "inbound":
            branch.add(escape(message.text))
        if message.media:
            branch.add(_file(message.media))
    told = trace.event.reason if trace.event else None
    for letter in trace.dead_letters:
        why = "for the reason above" if letter.error == told else letter.error
        line = f"{letter.stage}: {why} ({letter.source})"
        colour = "red" if letter.state == "open" else "yellow"
        branch = tree.add(f"[{colour}]dead     {_when(letter.at, start)}  {escape(line)}[/{colour}]")
        for one in letter.history if len(letter.history) > 1 else ():
            branch.add(f"{_when(one.at, start)}  {escape(said(one))}")
    return tree


def _add_event(tree: Tree, event: EventRecord) -> None:
    branch = tree.add(
        f"event    {escape(event.event_type)}  {escape(event.event_id)}  [bold]{escape(event.status)}[/bold]"
    )
    branch.add(f"key {escape(event.idempotency_key)}")
    about = [("tenant", event.tenant_id), ("channel", event.channel), ("contact", event.contact)]
    branch.add(escape(", ".join(f"{name} {value}" for name, value in about if value is not None)) or "no tenant")
    tree.add(f"rule     {escape(_decided(event))}")


def _decided(event: EventRecord) -> str:
    if not event.rule_id:
        return f"not asked for: {event.reason}" if event.reason else "none matches"
    version = "" if event.template_version is None else f" v{event.template_version}"
    template = f", template {event.template}{version}" if event.template else ""
    return f"{event.rule_id} v{event.rule_version} → {event.action}{template}{_because(event.reason)}"


def _add_command(tree: Tree, command: CommandRecord, start: datetime | None) -> None:
    to = f" to {command.recipient}" if command.recipient else ""
    branch = tree.add(
        f"command  {_when(command.created_at, start)}  {escape(command.command_id)}{escape(to)} "
        f"by {escape(command.channel)}  [bold]{escape(command.status)}[/bold]{escape(_because(command.last_error))}"
    )
    if command.text:
        branch.add(escape(command.text))
    for fact in command.facts:
        when = _when(fact.recorded_at, start)
        branch.add(f"{when}  {escape(_said(fact)):<24} {escape(str(fact.record))}{_details(fact)}")


def _add_post(tree: Tree, post: PostRecord, start: datetime | None) -> None:
    tries = f"  {post.attempts} tries" if post.attempts > 1 else ""
    branch = tree.add(
        f"post     {_when(post.told_at, start)}  {escape(post.command_id)} to {escape(post.target)}{tries}  "
        f"[bold]{escape(post.status)}[/bold]{escape(_because(post.reason))}"
    )
    if post.message:
        branch.add(escape(post.message))
    if post.replies or post.handoff:
        took = f" in {post.seconds:.3f} s" if post.seconds is not None else ""
        branch.add(f"{post.replies} replies{took}{', handed over to people' if post.handoff else ''}")


def _file(media: MediaRecord) -> str:
    size = f"{media.size} bytes" if media.size is not None else None
    known = escape("  ".join(filter(None, (media.mimetype, size, media.ref))))
    return f"file [bold]{escape(media.state)}[/bold]{escape(_because(media.reason))}  {known}".rstrip()


def _said(fact: Fact) -> str:
    word = fact.detail.get("ack") or fact.detail.get("decision")
    named = f"{fact.fact} {word}" if word else fact.fact
    return f"{named} ({fact.attempt})" if fact.attempt else named


def _details(fact: Fact) -> str:
    said = [f"{name} {fact.detail[name]}" for name in _SHOWN_DETAILS if name in fact.detail]
    if evidence := fact.detail.get("evidence"):
        said.append(f"by {evidence['topic']}/{evidence['partition']}@{evidence['offset']}")
    return escape(f"  {', '.join(said)}") if said else ""


def _start(trace: Trace) -> datetime | None:
    times = [sighting.received_at for sighting in trace.sightings]
    times += [command.created_at for command in trace.commands]
    return min(times, default=None)


def _when(at: datetime, start: datetime | None) -> str:
    since = f"{(at - start).total_seconds():+8.3f}s" if start else ""
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d} {since}"


def _because(reason: str | None) -> str:
    return f" ({reason})" if reason else ""


def _without_personal(value: Any, name: str = "") -> Any:
    if name == "text":
        return HIDDEN if value else value
    if isinstance(value, str) and name in _PARTIES:
        return party(value)
    if isinstance(value, str) and name not in ("event_id", "command_id", "trace_id", "correlation_id", "ref"):
        return mask_phones(value)
    if isinstance(value, dict):
        return {key: _without_personal(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_personal(item, name) for item in value]
    return value


def party(spelled: str) -> str:
    """A number, or a conversation with one, masked: of a short one nothing is shown."""
    channel, colon, party = spelled.rpartition(":")
    masked = mask_phones(party)
    return f"{channel}{colon}{masked if masked != party else MASKED}"
