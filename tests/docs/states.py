"""The sender's table of states in the documentation, as the code has it: `python -m tests.docs.states` writes it."""

from schemas.deliveries import Status
from streams.sending.machine import TABLE, Row
from tests.docs.markdown import ARCHITECTURE

_BEGIN = "<!-- begin: states (python -m tests.docs.states writes it) -->\n"
_END = "<!-- end: states -->"


def table() -> str:
    """The transitions as a Markdown table, one line each."""
    lines = ["| in the state | this happens | and then |", "|---|---|---|"]
    lines += [f"| {_states(row)} | {_first_sentence(row.on)} | {row.says} |" for row in TABLE]
    return "\n".join(lines) + "\n"


def documented() -> str:
    """The table as the documentation has it."""
    return ARCHITECTURE.text.partition(_BEGIN)[2].partition(_END)[0]


def _states(row: Row) -> str:
    if row.states == {None}:
        return "not known yet"
    if row.states >= set(Status):
        return "any"
    return ", ".join(f"`{status}`" for status in Status if status in row.states)


def _first_sentence(input_type: type) -> str:
    return (input_type.__doc__ or "").strip().splitlines()[0]


def main() -> None:
    """Write the table into the documentation."""
    before, begin, rest = ARCHITECTURE.text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    ARCHITECTURE.path.write_text(f"{before}{begin}{table()}{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
