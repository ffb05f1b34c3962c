"""What must be true after a run, computed from its inputs and from the gateway's own record. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.chaos.history import History
from tests.chaos.oracle import inputs, rest, sending
from tests.chaos.oracle.case import Case


@dataclass(frozen=True)
class Violation:
    """One thing that must not be: `kind` for the totals, the sentence with its ids for a person."""

    kind: str
    said: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.said}"


Check = Callable[[Case], Iterator[str]]
CHECKS: Final[Sequence[tuple[str, Check]]] = (
    ("lost", inputs.inputs_are_there),
    ("lost", inputs.raw_records_are_carried_out),
    ("lost", sending.no_message_is_lost),
    ("dead", inputs.nothing_is_dead),
    ("sent twice", sending.messages_are_sent_once),
    ("unrecorded", sending.attempts_are_on_record),
    ("unrecorded", inputs.repetitions_are_recorded),
    ("unrecorded", inputs.commands_say_one_thing),
    ("evidence", sending.evidence_is_of_the_command),
    ("wrong text", sending.texts_are_those_of_the_inputs),
    ("went back", sending.statuses_never_go_back),
    ("order", sending.order_is_kept),
    ("order", sending.order_of_producers_is_kept),
    ("no rest", rest.everything_came_to_rest),
    ("tables", rest.tables_follow_from_topics),
)

LATE: Final = frozenset({"lost", "tables"})
"""What can be said only once nothing waits any more."""


def judge(history: History) -> list[Violation]:
    """Everything that is not as it must be; what is not there yet is not lost while something waits."""
    case = Case(history)
    is_at_rest = not (history.lag or history.unsettled)
    checks = [(kind, check) for kind, check in CHECKS if is_at_rest or kind not in LATE]
    return [Violation(kind, said) for kind, check in checks for said in check(case)]
