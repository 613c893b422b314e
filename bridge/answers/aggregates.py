"""What can be said of a window from its row, and what is said if nobody asks.

An average is never passed off as a sample: every column carries the name of its
aggregate (RULES R79). Empty is null and not zero (RULES R42).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.answers.errors import QuestionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from bridge.rollup.rows import Floats, Ints


@dataclass(frozen=True, slots=True)
class Column:
    """One aggregate of some windows.

    NaN in `values` stands for null, except where `undefined` is set: there the value
    is known not to be a number. `whole` says that values are counts. The truth of an
    estimate lies from `lower` to `upper`; what is exact has neither.
    """

    values: Floats
    whole: bool = False
    undefined: NDArray[np.bool_] | None = None
    lower: Floats | None = None
    upper: Floats | None = None

    def newest(self, count: int) -> Column:
        """Return the column of the last so many windows."""
        return replace(
            self,
            values=self.values[-count:],
            undefined=None if self.undefined is None else self.undefined[-count:],
            lower=None if self.lower is None else self.lower[-count:],
            upper=None if self.upper is None else self.upper[-count:],
        )

    def on(self, grid: Ints, start: Ints) -> Column:
        """Return the column on a grid of windows, null where it has none."""
        place = np.searchsorted(grid, start)

        def spread(values: Floats | None) -> Floats | None:
            if values is None:
                return None
            wider = np.full(len(grid), np.nan)
            wider[place] = values
            return wider

        undefined = None
        if self.undefined is not None:
            undefined = np.zeros(len(grid), dtype=np.bool_)
            undefined[place] = self.undefined
        values = np.full(len(grid), np.nan)
        values[place] = self.values
        return replace(
            self,
            values=values,
            undefined=undefined,
            lower=spread(self.lower),
            upper=spread(self.upper),
        )

    def zero_at(self, places: Ints) -> Column:
        """Return the column with zeros at some places."""
        values = self.values.copy()
        values[places] = 0.0
        return replace(self, values=values)


BUCKETS: Final = "buckets"
"""The figure of what is computed from buckets: none that the database computes."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate and the stored figure it comes from.

    `per_second` divides the figure by the width of the window. `zero` says that a
    finished window without a row means zero if the reader asks for zeros. `counter`
    says that only counters have it. Those with a `quantile`, and `distinct`, come from
    the buckets of the row; see `bridge.answers.buckets`.
    """

    name: str
    figure: str
    meaning: str
    whole: bool = False
    per_second: bool = False
    zero: bool = False
    counter: bool = False
    quantile: float | None = None

    @property
    def of_buckets(self) -> bool:
        """Whether it is computed from the buckets of rows."""
        return self.figure == BUCKETS

    def stored(self, kind: str) -> str:
        """Return the figure that it comes from, of a kind of series.

        The mean of a histogram is that of its observations, not of its scrapes.
        """
        return "mean" if self.figure == "avg" and kind == "histogram" else self.figure

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
    *(
        Aggregate(
            name,
            BUCKETS,
            f"The {percent} % quantile, with the bounds between which it truly lies.",
            quantile=quantile,
        )
        for name, percent, quantile in (
            ("p50", "50", 0.5),
            ("p90", "90", 0.9),
            ("p95", "95", 0.95),
            ("p99", "99", 0.99),
            ("p999", "99.9", 0.999),
        )
    ),
    Aggregate("distinct", BUCKETS, "About how many different values there were."),
)

AGGREGATES: Final[Mapping[str, Aggregate]] = {one.name: one for one in _ALL}
"""All aggregates of fixed names, in the order in which they are documented."""

_PERCENTILE: Final = re.compile(r"p(\d{1,9}(?:\.\d{1,9})?)")
_QUANTILE: Final = re.compile(
    r"quantile\(([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)\)"
)
_WHOLE: Final = 100

_DEFAULTS: Final = {
    "counter": ("increase", "rate"),
    "histogram": ("rate", "avg", "p50", "p95", "p99"),
    "distinct": ("distinct",),
    "summary": ("min", "max", "last"),
}
_DEFAULT: Final = ("avg", "min", "max")


def default_aggregates(kind: str) -> tuple[str, ...]:
    """Return what is answered of a kind of series if nothing was asked for."""
    return _DEFAULTS.get(kind, _DEFAULT)


def aggregate_of(name: str) -> Aggregate:
    """Return the aggregate of a name; raise QuestionError for an unknown one.

    Besides AGGREGATES there are percentiles such as `p99.5` and `quantile(0.995)`.
    """
    known = AGGREGATES.get(name)
    if known is not None:
        return known
    found = _PERCENTILE.fullmatch(name) or _QUANTILE.fullmatch(name)
    if found is None:
        raise QuestionError(
            "aggregate",
            f"{name!r} is not an aggregate; known are {', '.join(AGGREGATES)}, "
            "percentiles such as p99.5, and quantile(0.995)",
        )
    number = float(found[1])
    quantile = number if name.startswith("quantile") else _share(number)
    if not math.isfinite(quantile) or (name.startswith("p") and quantile > 1):
        raise QuestionError(
            "aggregate", f"{name!r} is not an aggregate: percentiles are p0 to p100"
        )
    return Aggregate(name, BUCKETS, f"The quantile of {quantile:g}.", quantile=quantile)


def read_aggregates(asked: Sequence[str]) -> tuple[str, ...]:
    """Read names, each text possibly several with commas; none means the defaults."""
    names = [name.strip() for text in asked for name in text.split(",")]
    return tuple(dict.fromkeys(aggregate_of(name).name for name in names))


def in_order(names: Iterable[str]) -> list[str]:
    """Return names of aggregates in the order in which they are shown."""
    places = {name: place for place, name in enumerate(AGGREGATES)}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def _share(percent: float) -> float:
    # p999 is short for p99.9, and so on.
    while percent > _WHOLE and str(percent).startswith("99"):
        percent /= 10
    return percent / 100
