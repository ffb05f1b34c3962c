"""What must be true in the end: nothing waits any more, and the tables say what the topics say."""

from collections.abc import Iterator

from tests.chaos.oracle.case import Case


def everything_came_to_rest(case: Case) -> Iterator[str]:
    """Nothing waits any more, in Kafka or in the sender."""
    yield from case.history.unsettled
    for place, count in case.history.lag.items():
        yield f"{count} records of {place} are not carried out"


def tables_follow_from_topics(case: Case) -> Iterator[str]:
    """MySQL is what a rebuild makes of the topics, and shows each command in the state that the log says."""
    yield from case.history.differences
    for command_id in case.facts:
        row = case.history.rows.get(command_id)
        status = case.status(command_id)
        if row is None or row["status"] != status:
            yield f"{command_id} is {status} in the log and {row and row['status']} in outbound_messages"
