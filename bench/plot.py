"""A bench's figures as bars, with the spread of their rounds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pygal

from bench.result import Result, number

_ROW: Final = 46
_AROUND: Final = 140
_LONGEST_LABEL: Final = 90


def plot(results: Sequence[Result], file: Path) -> None:
    """Draw all results that have the unit of the first one."""
    unit = results[0].unit
    shown = [result for result in results if result.unit == unit][::-1]  # pygal begins at the bottom
    chart = pygal.HorizontalBar(
        js=(),
        show_legend=False,
        print_values=True,
        truncate_label=_LONGEST_LABEL,
        value_formatter=number,
        width=1_200,
        height=_AROUND + _ROW * len(shown),
        title=f"{results[0].bench}: {unit}",
        x_labels=[result.figure for result in shown],
    )
    chart.add(unit, [_bar(result) for result in shown])
    chart.render_to_file(str(file))


def _bar(result: Result) -> dict[str, object]:
    bar: dict[str, object] = {"value": result.value}
    return bar | {"ci": {"low": result.low, "high": result.high}} if result.low is not None else bar
