"""One measured figure beside what was wanted of it."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """A figure in its unit; `at_least` or `at_most` says what was wanted, where something was.

    `low` and `high` are the least and the most of several rounds, whose median the value is.
    """

    bench: str
    figure: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the figure is what was wanted."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    @property
    def text(self) -> str:
        """The figure with its unit."""
        return f"{number(self.value)} {self.unit}"

    @property
    def spread(self) -> str:
        """The least and the most of its rounds, in words."""
        return "" if self.low is None or self.high is None else f"{number(self.low)} .. {number(self.high)}"

    @property
    def wanted(self) -> str:
        """What was wanted, in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:,g}"
        return f"at most {self.at_most:,g}" if self.at_most is not None else ""

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return asdict(self) | {"is_met": self.is_met}


def number(value: float) -> str:
    """Three digits or all before the point."""
    return f"{value:,.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f}"
