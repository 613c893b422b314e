"""What can be said of a window from its row, and what is said if nobody asks.

An average is never passed off as a sample: every column carries the name of its
aggregate (RULES R79). Empty is null and not zero (RULES R42).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.answers.errors import QuestionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bridge.rollup.rows import Floats, Ints


@dataclass(frozen=True, slots=True)
class Column:
    """One aggregate of some windows.

    NaN in `values` stands for null, except where `undefined` is set: there the value
    is known not to be a number. `whole` says that values are counts.
    """

    values: Floats
    whole: bool = False
    undefined: NDArray[np.bool_] | None = None

    def newest(self, count: int) -> Column:
        """Return the column of the last so many windows."""
        cut = None if self.undefined is None else self.undefined[-count:]
        return replace(self, values=self.values[-count:], undefined=cut)

    def on(self, grid: Ints, start: Ints) -> Column:
        """Return the column on a grid of windows, null where it has none."""
        place = np.searchsorted(grid, start)
        values = np.full(len(grid), np.nan)
        values[place] = self.values
        undefined = None
        if self.undefined is not None:
            undefined = np.zeros(len(grid), dtype=np.bool_)
            undefined[place] = self.undefined
        return replace(self, values=values, undefined=undefined)

    def zero_at(self, places: Ints) -> Column:
        """Return the column with zeros at some places."""
        values = self.values.copy()
        values[places] = 0.0
        return replace(self, values=values)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate and the stored figure it comes from.

    `per_second` divides the figure by the width of the window. `zero` says that a
    finished window without a row means zero if the reader asks for zeros. `counter`
    says that only counters have it.
    """

    name: str
    figure: str
    meaning: str
    whole: bool = False
    per_second: bool = False
    zero: bool = False
    counter: bool = False

    def of(self, figures: Floats, width: int | Ints) -> Column:
        """Return the aggregate of windows of so many seconds, one for all or each."""
        return Column(figures / width if self.per_second else figures, self.whole)


_ALL: Final = (
    Aggregate("avg", "avg", "Mean of the samples: their sum / their count."),
    Aggregate("min", "min", "The smallest sample."),
    Aggregate("max", "max", "The largest sample."),
    Aggregate("sum", "sum", "The sum of the samples."),
    Aggregate("count", "count", "The number of samples.", whole=True, zero=True),
    Aggregate("last", "last", "The newest sample."),
    Aggregate("first", "first", "The oldest sample."),
    Aggregate(
        "increase",
        "increase",
        "How much a counter rose: exact, resets seen, nothing extrapolated.",
        zero=True,
        counter=True,
    ),
    Aggregate(
        "rate",
        "increase",
        "The increase per second of the window.",
        per_second=True,
        zero=True,
        counter=True,
    ),
    Aggregate(
        "resets", "resets", "How often a counter was reset.", whole=True, counter=True
    ),
    Aggregate(
        "changes",
        "changes",
        "How often the value changed from one sample to the next.",
        whole=True,
        zero=True,
    ),
    Aggregate("coverage", "coverage", "Samples seen / samples expected."),
)

AGGREGATES: Final[Mapping[str, Aggregate]] = {one.name: one for one in _ALL}
"""All aggregates by name, in the order in which they are documented."""

_DEFAULTS: Final = {
    "counter": ("increase", "rate"),
    "histogram": ("count", "sum"),
    "summary": ("min", "max", "last"),
}
_DEFAULT: Final = ("avg", "min", "max")


def default_aggregates(kind: str) -> tuple[str, ...]:
    """Return what is answered of a kind of series if nothing was asked for."""
    return _DEFAULTS.get(kind, _DEFAULT)


def read_aggregates(asked: Sequence[str]) -> tuple[str, ...]:
    """Read names, each text possibly several with commas; none means the defaults."""
    names = [name.strip() for text in asked for name in text.split(",")]
    for name in names:
        if name not in AGGREGATES:
            raise QuestionError(
                "aggregate",
                f"{name!r} is not an aggregate; known are {', '.join(AGGREGATES)}",
            )
    return tuple(dict.fromkeys(names))
