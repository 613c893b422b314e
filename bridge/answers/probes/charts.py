"""Series of figures for charts: lines, bars, shares and a week's hours.

The shape is what chart libraries take: labels, and lists of numbers as long as these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from bridge.answers.errors import QuestionError
from bridge.answers.probes.asked import milliseconds
from bridge.answers.writing import rfc3339
from models.queries import probe_figures
from runtime.probing.jobs import WEEKDAYS

if TYPE_CHECKING:
    from bridge.answers.times import Span
    from models.database import Database
    from models.queries.probe_figures import Tally
    from models.queries.results import Picked

Measure = Literal["rtt", "rtt_min", "rtt_max", "loss", "success", "results"]
SUCCESS: Final = "success"
_POINTS: Final = 300
"""Points of a line, at most, unless a width is asked for."""
VALUES: Final = 300_000
"""Values of all lines of a chart, at most."""
_WIDTHS: Final = (1, 10, 60, 300, 900, 3600, 21_600, 86_400)
_HOUR: Final = 3_600_000
_HOURS: Final = 24
_FIRST: Final = 3 * _HOURS  # 1970-01-01 was a Thursday


@dataclass(frozen=True, slots=True)
class Dataset:
    """Values of one label each; None where nothing is known."""

    label: str
    data: list[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows; `width` are the seconds between labels that are times."""

    labels: list[str]
    datasets: list[Dataset]
    width: int | None = None


def line(
    db: Database,
    of: Picked,
    span: Span,
    measure: Measure,
    by: str,
    *,
    width: int | None = None,
    most: int = 10_000,
) -> Chart:
    """Return a figure over time, a line for each name of what `by` says.

    Raises QuestionError for a width in seconds that makes more than `most` points, and
    for so many lines that they have more than 300,000 together.
    """
    step = width or _width(span)
    first = milliseconds(span.start) // 1000 // step
    points = -(-milliseconds(span.end) // 1000 // step) - first
    if points > most:
        raise QuestionError(
            "width", f"{points} points are more than {most}: ask for wider ones"
        )
    labels = [rfc3339((first + place) * step) for place in range(points)]
    found: dict[str, list[float | None]] = {}
    tallies = probe_figures.tallies(db, of, (by,), step * 1000, VALUES + 1)
    if max(len(tallies), points * len({one.key[1] for one in tallies})) > VALUES:
        raise QuestionError(
            "by",
            f"there are too many lines of {points} points: ask for wider ones, or "
            "by something of which there are fewer",
        )
    for tally in tallies:
        start, name = tally.key
        values = found.setdefault(name, [None] * points)
        values[start // 1000 // step - first] = _value(tally, measure)
    datasets = [Dataset(name, found[name]) for name in sorted(found)]
    return Chart(labels, datasets, step)


def bar(db: Database, of: Picked, measure: Measure, by: str) -> Chart:
    """Return a figure of each name of what `by` says."""
    tallies = probe_figures.tallies(db, of, (by,))
    values = [_value(tally, measure) for tally in tallies]
    return Chart([tally.key[0] for tally in tallies], [Dataset(measure, values)])


def pie(db: Database, of: Picked, by: str = "reason") -> Chart:
    """Return how many results have each name; those without a reason are successes."""
    tallies = probe_figures.tallies(db, of, (by,))
    labels = [tally.key[0] or SUCCESS for tally in tallies]
    values: list[float | None] = [tally.results for tally in tallies]
    return Chart(labels, [Dataset("results", values)])


def heatmap(db: Database, of: Picked, measure: Measure) -> Chart:
    """Return a figure by the hour of the day, UTC; a dataset for each weekday."""
    cells: dict[tuple[int, int], list[Tally]] = {}
    for tally in probe_figures.tallies(db, of, (), _HOUR):
        day, hour = divmod((tally.key[0] // _HOUR + _FIRST) % (7 * _HOURS), _HOURS)
        cells.setdefault((day, hour), []).append(tally)
    datasets = [
        Dataset(
            name,
            [
                _value(probe_figures.together(cells[day, hour]), measure)
                if (day, hour) in cells
                else None
                for hour in range(_HOURS)
            ],
        )
        for day, name in enumerate(WEEKDAYS)
    ]
    return Chart([f"{hour:02}:00" for hour in range(_HOURS)], datasets)


def _width(span: Span) -> int:
    """Return the least usual width that makes no more points than a line has."""
    least = (span.end - span.start) / _POINTS
    return next((width for width in _WIDTHS if width >= least), round(least))


def _value(tally: Tally, measure: Measure) -> float | None:
    values = {
        "rtt": tally.mean,
        "rtt_min": tally.min,
        "rtt_max": tally.max,
        "loss": tally.loss,
        "success": tally.success_rate,
        "results": tally.results,
    }
    return values[measure]
