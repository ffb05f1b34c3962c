"""Which dead letters a command is about: the same options for each."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

if TYPE_CHECKING:
    from infra.dead_letters.filters import Filter

    Filtered: TypeAlias = Filter
else:
    Filtered = Any

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[LETTER]...", help="Names of letters, as router:raw.event/3@17, or where they lie."),
]
State = Annotated[str, typer.Option("--state", help="open, redriven, discarded or all.")]
Stage = Annotated[str | None, typer.Option("--stage", help="Who gave up: normalizer, router, sender, ...")]
Error = Annotated[str | None, typer.Option("--error", help="The class of the error, as RejectedError.")]
Reason = Annotated[str | None, typer.Option("--reason-text", help="What its message says, or a part of it.")]
Topic = Annotated[str | None, typer.Option("--topic", help="Where the record lay, as raw.event.")]
Tenant = Annotated[int | None, typer.Option("--tenant", help="Whose it is, where that is known.")]
Channel = Annotated[str | None, typer.Option("--channel", help="Which channel's it is, where that is known.")]
TraceId = Annotated[str | None, typer.Option("--trace", help="Its trace id.")]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="It failed last then or later (UTC).")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="It failed last then or earlier (UTC).")]


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, instead of its first parameter, the options that say which letters are meant."""
    own = list(inspect.signature(command).parameters.values())[1:]
    shared = list(inspect.signature(_filter).parameters.values())

    @wraps(command)
    def with_options(**given: Any) -> None:
        command(_filter(**{one.name: given.pop(one.name) for one in shared}), **given)

    signature = inspect.Signature([one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*shared, *own)])
    with_options.__signature__ = signature  # type: ignore[attr-defined]
    with_options.__annotations__ = {one.name: one.annotation for one in (*shared, *own)}
    return with_options


def _filter(
    names: Names = None,
    state: State = "open",
    stage: Stage = None,
    error: Error = None,
    reason_text: Reason = None,
    topic: Topic = None,
    tenant: Tenant = None,
    channel: Channel = None,
    trace: TraceId = None,
    since: Since = None,
    until: Until = None,
) -> "Filter":
    from infra.dead_letters.filters import STATES, Filter
    from streams import timestamps

    if state not in STATES:
        raise typer.BadParameter(f"--state {state}: there are {', '.join(STATES)}.")

    def moment(option: str, text: str | None) -> Any:
        try:
            return None if text is None else timestamps.parse(text)
        except ValueError as problem:
            raise typer.BadParameter(f"{option}: {problem}.") from None

    return Filter(
        names=tuple(names or ()),
        state=state,
        stage=stage,
        error=error,
        reason=reason_text,
        topic=topic,
        tenant=tenant,
        channel=channel,
        trace=trace,
        since=moment("--since", since),
        until=moment("--until", until),
    )


def must_say(wanted: "Filter", *, everything: bool) -> None:
    """Refuse to act on all letters where nobody said so."""
    import msgspec

    said = msgspec.structs.asdict(msgspec.structs.replace(wanted, state="")).values()
    if all(value in (None, "", ()) for value in said) and not everything:
        raise typer.BadParameter("Say which letters: by name, by a filter such as --stage, or --all.")


def counted(total: int, wanted: "Filter") -> str:
    """How many there are, in words."""
    state = "" if wanted.state == "all" else f"{wanted.state} "
    letters = "letter" if total == 1 else "letters"
    if total:
        return f"{total:,} {state}dead {letters}"
    other = " (--state all: also what was redriven or discarded)" if wanted.names and state else ""
    return f"No {state}dead letter matches{other}"
