"""What must be true of what came in: all of it is there, once, and nothing is decided twice."""

from collections.abc import Iterator

from tests.chaos.oracle.case import Case, place


def inputs_are_there(case: Case) -> Iterator[str]:
    """Each kept input is an accepted event, once; and its message a command, once."""
    for external_id, inputs in case.inputs.items():
        entries = case.accepted_of(external_id)
        first = {place(entry.value["raw"]) for entry in entries if entry.value["kind"] == "accepted"}
        if any(given.is_kept for given in inputs) and not first:
            kinds = sorted(entry.value["kind"] for entry in entries)
            yield f"input {external_id} was kept and is not accepted (recorded as {kinds})"
        if len(first) > 1:
            yield f"input {external_id} was accepted {len(first)} times: {sorted(first)}"
        decisions = {
            entry.value["decision"].get("command_id") for entry in entries if entry.value["kind"] == "accepted"
        }
        if first and inputs[0].policy and not decisions & set(case.commands):
            yield f"input {external_id} asks for a message and has no command (decided {decisions})"
    for typed in case.history.typed:
        entries = [entry for key, found in case.events.items() if key.endswith(f"|{typed.key}") for entry in found]
        if typed.is_kept and "accepted" not in {entry.value["kind"] for entry in entries}:
            yield f"message {typed.key} was kept and is not accepted"


def raw_records_are_carried_out(case: Case) -> Iterator[str]:
    """Each raw record became an event, or a dead letter."""
    dead = {entry.value["origin"] for entry in case.history.dead}
    for entry in case.history.raw:
        if entry.where not in case.by_raw and entry.where not in dead:
            yield f"{entry.where} became nothing: {entry.value}"


def nothing_is_dead(case: Case) -> Iterator[str]:
    """All inputs are good ones: none of their records is a dead letter."""
    for entry in case.history.dead:
        yield f"dead letter {entry.where}: {entry.value}"


def repetitions_are_recorded(case: Case) -> Iterator[str]:
    """A second record of a fact is a duplicate where it says the same, else a conflict; each record is of one kind."""
    for key, entries in case.events.items():
        if entries[0].value["source_system"] != "chaos":
            continue
        first = next((entry for entry in entries if entry.value["kind"] == "accepted"), None)
        for entry in entries:
            kind, said = entry.value["kind"], entry.value["payload"]
            if first and entry.value["raw"] != first.value["raw"]:
                wanted = "duplicate" if said == first.value["payload"] else "conflict"
                if kind != wanted:
                    yield f"{key}: {place(entry.value['raw'])} is {kind} and must be {wanted}"
    for where, entries in case.by_raw.items():
        decided = {(e.value["idempotency_key"], e.value["kind"], str(e.value.get("decision"))) for e in entries}
        if len(decided) > len({key for key, _, _ in decided}):
            yield f"{where} was decided twice: {sorted(decided)}"


def commands_say_one_thing(case: Case) -> Iterator[str]:
    """A command that is said again is said in the same words."""
    for command_id, entries in case.commands.items():
        if len({str(entry.value) for entry in entries}) > 1:
            yield f"command {command_id} has several contents"
