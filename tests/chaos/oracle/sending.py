"""What must be true of what went out: once, on record, in order, and never a state back."""

from collections import defaultdict
from collections.abc import Iterator

from tests.chaos.oracle.case import DOUBT, GOING, NOT_SENT, REACHED, Case


def messages_are_sent_once(case: Case) -> Iterator[str]:
    """No command is sent twice without its doubt on record; at_most_once never is."""
    for command_id, messages in case.delivered.items():
        if not command_id:
            continue
        if command_id not in case.commands:
            yield f"{command_id} was sent and never commanded"
            continue
        policy = case.commands[command_id][0].value.get("policy", "at_most_once")
        allowed = 2 if policy == "at_least_once" and case.said(command_id) & DOUBT else 1
        if len(messages) > allowed:
            requests = [message["request_id"] for message in messages]
            yield f"{command_id} ({policy}) was sent {len(messages)} times: {requests}; {case.line_of(command_id)}"
        if len({message["request_id"] for message in messages}) < len(messages):
            yield f"{command_id}: one attempt sent twice: {[message['request_id'] for message in messages]}"


def attempts_are_on_record(case: Case) -> Iterator[str]:
    """What the gateway delivered was announced in the log before."""
    for command_id, messages in case.delivered.items():
        started = {e.value["attempt"] for e in case.facts.get(command_id, ()) if e.value["fact"] == "attempt_started"}
        for message in messages:
            attempt = message["request_id"].rpartition(":")[2]
            if command_id and attempt not in {str(number) for number in started}:
                yield f"{message['request_id']} was sent and is not on record (attempts {sorted(started)})"


def evidence_is_of_the_command(case: Case) -> Iterator[str]:
    """A message that is bound to a command says its text to its contact, and is bound to no other command."""
    messages = {message["id"]: message for message in case.history.delivered}
    by_key = {message["id"].rpartition("_")[2]: message for message in messages.values()}
    bound: dict[str, str] = {}
    for command_id, entries in case.facts.items():
        command = case.commands[command_id][0].value if command_id in case.commands else None
        for named in sorted({e.value["provider_message_id"] for e in entries if e.value.get("provider_message_id")}):
            message = messages.get(named) or by_key.get(named)
            if command is None:
                continue
            if message is None:
                yield f"{command_id} is bound to {named}, which the gateway did not send"
            elif (message["to"], message["text"]) != (command["to"], command["text"]):
                yield f"{command_id} is bound to {named}, which says something else"
            elif bound.setdefault(message["id"], command_id) != command_id:
                yield f"{named} is bound to {bound[message['id']]} and to {command_id}"


def no_message_is_lost(case: Case) -> Iterator[str]:
    """Each command was sent, or is in doubt, or the log says why not."""
    for command_id in case.commands:
        status, count = case.status(command_id), len(case.delivered.get(command_id, ()))
        if status in GOING or status == "unknown":
            continue  # case as unsettled
        said = case.said(command_id)
        failed_by_ack = any(entry.value.get("ack") == "failed" for entry in case.facts[command_id])
        if not count and status in REACHED:
            yield f"{command_id} is {status} and was never sent; {case.line_of(command_id)}"
        if count and status in NOT_SENT and not failed_by_ack:
            yield f"{command_id} is {status} and was sent {count} times; {case.line_of(command_id)}"
        if status == "uncertain" and not said & DOUBT:
            yield f"{command_id} is uncertain without a doubt on record; {case.line_of(command_id)}"


def texts_are_those_of_the_inputs(case: Case) -> Iterator[str]:
    """What was sent is what the accepted input said, to its contact, on its channel."""
    for external_id, inputs in case.inputs.items():
        for entry in case.accepted_of(external_id):
            command_id = (entry.value.get("decision") or {}).get("command_id")
            for message in case.delivered.get(command_id, ()) if command_id else ():
                sent = (message["channel"], message["chat"].partition("@")[0], message["text"])
                if sent not in {(given.channel, given.contact, given.text) for given in inputs}:
                    yield f"{command_id}: {sent} was sent for input {external_id}"


def statuses_never_go_back(case: Case) -> Iterator[str]:
    """In the order of the log, no command goes from a state that is reached to one that is less."""
    for command_id, entries in case.facts.items():
        before = ""
        for entry in entries:
            now = entry.value["status"]
            if is_step_back(before, now):
                yield f"{command_id} went from {before} to {now} at {entry.where}; {case.line_of(command_id)}"
            before = now


def is_step_back(before: str, now: str) -> bool:
    """Whether a state follows one that it must not follow."""
    if before in REACHED:
        return REACHED.get(now, 0) < REACHED[before] and not (now == "failed" and before == "sent")
    return before in NOT_SENT and (now in GOING or now == "uncertain")


def order_is_kept(case: Case) -> Iterator[str]:
    """The first deliveries to a contact are in the order of its commands, but for those in doubt, which hold nobody."""
    lines: defaultdict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for command_id, entries in case.commands.items():
        if case.delivered.get(command_id) and not case.said(command_id) & DOUBT:
            value = entries[0].value
            lines[value["channel"], value["contact"]].append((entries[0].offset, command_id))
    sequence = {command_id: n for n, command_id in enumerate(case.first_deliveries())}
    for line, commands in lines.items():
        wanted = [command_id for _, command_id in sorted(commands)]
        found = sorted(wanted, key=sequence.__getitem__)
        if wanted != found:
            yield f"{line}: commanded {wanted}, sent {found}"


def order_of_producers_is_kept(case: Case) -> Iterator[str]:
    """Events with one ordering key, each sent after the one before was kept, are commanded in that order."""
    lines: defaultdict[str, list[str]] = defaultdict(list)
    for external_id, inputs in case.inputs.items():
        if inputs[0].is_ordered:
            lines[inputs[0].contact].append(external_id)
    for contact, wanted in lines.items():
        offsets = []
        for external_id in wanted:
            for entry in case.accepted_of(external_id)[:1]:
                commands = case.commands.get((entry.value.get("decision") or {}).get("command_id", ""), ())
                offsets += [commands[0].offset] if commands else []
        if offsets != sorted(offsets):
            yield f"contact {contact}: {wanted} lie at {offsets} of command.outbound"
