"""How round-trip times are distributed over time: spans of time by spans of duration.

Every time is counted in one cell, so that cells of a coarser picture are sums of those
of a finer one, and nothing is smoothed away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.answers.errors import QuestionError
from bridge.answers.probes.asked import milliseconds
from models.queries import probe_figures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridge.answers.times import Span
    from models.database import Database
    from models.queries.results import Picked

_SHORTEST: Final = 1e-6
_DOUBLINGS: Final = 30
MOST: Final = 2_000
"""Spans of time, at most."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Counts of round-trip times, results and requests by span of time.

    Span `i` begins at `start + i * width`, UTC seconds. `counts[i][j]` are the times
    above the bound before and not above `bounds[j]`, seconds; bounds begin with the
    one before the shortest time and end with the one after the longest. `median` is of
    all times of a span, NaN without any; `failed` counts results, `sent` and
    `received` requests.
    """

    start: int
    width: int
    bounds: NDArray[np.float64]
    counts: NDArray[np.int64]
    median: NDArray[np.float64]
    results: NDArray[np.int64]
    failed: NDArray[np.int64]
    sent: NDArray[np.int64]
    received: NDArray[np.int64]


def bounds_of(per_doubling: int) -> NDArray[np.float64]:
    """Return upper bounds from a microsecond to a quarter of an hour, in seconds.

    So many for each doubling, each the same in every picture.
    """
    steps = np.arange(_DOUBLINGS * per_doubling + 1)
    return np.asarray(_SHORTEST * np.exp2(steps / per_doubling))


def distribution(
    db: Database, of: Picked, span: Span, width: int, per_doubling: int = 8
) -> Distribution:
    """Return the distribution of results within a span, by so many seconds.

    Raises QuestionError where these are more than 2,000 spans.
    """
    step = width * 1000
    first = milliseconds(span.start) // step
    spans = -(-milliseconds(span.end) // step) - first
    if spans > MOST:
        raise QuestionError(
            "width", f"{spans} spans are more than {MOST}: ask for wider ones"
        )
    bounds = bounds_of(per_doubling)
    counts = np.zeros((spans, len(bounds)), np.int64)
    flat = counts.reshape(-1)
    for page in probe_figures.trips(db, of):
        # Longer ones than the last bound are among those of the last.
        cells = np.minimum(
            np.searchsorted(bounds, page.seconds, side="left"), len(bounds) - 1
        )
        rows = page.at // step - first
        flat += np.bincount(rows * len(bounds) + cells, minlength=len(flat))
    told = np.zeros((4, spans), np.int64)
    for tally in probe_figures.tallies(db, of, (), step):
        failed = tally.results - tally.successes
        told[:, tally.key[0] // step - first] = (
            tally.results,
            failed,
            tally.sent,
            tally.received,
        )
    used = np.flatnonzero(counts.any(axis=0))
    low, high = (max(used[0] - 1, 0), used[-1] + 1) if len(used) else (0, 0)
    return Distribution(
        first * width,
        width,
        bounds[low:high],
        counts[:, low:high],
        _medians(counts, bounds),
        *told,
    )


def _medians(
    counts: NDArray[np.int64], bounds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the middle, by its logarithm, of the bucket that holds each median."""
    sums = np.cumsum(counts, axis=1)
    totals = sums[:, -1]
    places = (sums * 2 < totals[:, None]).sum(axis=1)
    places = np.minimum(places, len(bounds) - 1)
    below = np.maximum(places - 1, 0)
    middles = np.sqrt(bounds[places] * bounds[below])
    return np.where(totals > 0, middles, np.nan)
