"""Figures of a job, a destination or all: in total, and by what they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.answers.probes.quantiles import EXACT, Quantiles
from bridge.answers.probes.standing import uptime
from models.queries import probe_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.answers.times import Span
    from models.database import Database
    from models.queries.probe_figures import Tally
    from models.queries.results import Picked

SHARES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
PARTS: Final = ("probe", "destination", "agent", "reason")
"""What figures are broken down by."""
MOST_TIMED: Final = 200
"""Names of a part that have percentiles, so that memory is bounded."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of results; `name` is what they are of. Times are seconds.

    None stands for what there is no result for, or no time.
    """

    name: str
    results: int
    successes: int
    success_rate: float | None
    sent: int
    received: int
    loss: float | None
    rtt_min: float | None
    rtt_mean: float | None
    rtt_max: float | None
    percentiles: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Analytics:
    """Figures in total and by part; `uptime` as in `standing`.

    Percentiles are of all round-trip times, never means of percentiles; in total they
    are exact unless `estimated`, and right to 0.5 % everywhere. They are left out of
    reasons, and of parts with more than 200 names.
    """

    total: Figures
    uptime: float | None
    by: dict[str, tuple[Figures, ...]]
    estimated: bool


def analytics(db: Database, of: Picked, span: Span) -> Analytics:
    """Return the figures of results over a span, which `of` must be within."""
    totals = probe_figures.tallies(db, of)
    parts = {name: probe_figures.tallies(db, of, (name,)) for name in PARTS}
    timed = [
        name for name in PARTS if name != "reason" and len(parts[name]) <= MOST_TIMED
    ]
    whole = Quantiles()
    times = {
        (name, tally.key[0]): Quantiles(EXACT // MOST_TIMED)
        for name in timed
        for tally in parts[name]
    }
    for page in probe_figures.trips(db, of, timed):
        whole.add(page.seconds)
        for pair in zip(timed, page.group, strict=True):
            # A result that came meanwhile may be of a name that was not there before.
            times.setdefault(pair, Quantiles(EXACT // MOST_TIMED)).add(page.seconds)
    by = {
        name: tuple(figures(one, times.get((name, one.key[0]))) for one in tallies)
        for name, tallies in parts.items()
    }
    total = figures(totals[0], whole, "") if totals else _nothing()
    share, _ = uptime(db, of, span)
    return Analytics(total, share, by, not whole.is_exact)


def figures(tally: Tally, times: Quantiles | None, name: str | None = None) -> Figures:
    """Return a tally as figures, named as its key unless a name is given."""
    shares = () if times is None else times.of(tuple(SHARES.values()))
    return Figures(
        name=str(tally.key[-1]) if name is None else name,
        results=tally.results,
        successes=tally.successes,
        success_rate=tally.success_rate,
        sent=tally.sent,
        received=tally.received,
        loss=tally.loss,
        rtt_min=tally.min,
        rtt_mean=tally.mean,
        rtt_max=tally.max,
        percentiles=dict(zip(SHARES, shares, strict=False)),
    )


def _nothing() -> Figures:
    nothing: Sequence[None] = (None,) * len(SHARES)
    percentiles: dict[str, float | None] = dict(zip(SHARES, nothing, strict=True))
    return Figures("", 0, 0, None, 0, 0, None, None, None, None, percentiles)
