"""What one window says of one host: rows of its node_* series, by metric and labels."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.answers.coverage import read_extents
from bridge.answers.errors import QuestionError
from bridge.answers.find import find_series
from bridge.answers.selectors import parse
from bridge.answers.times import Stretch
from bridge.answers.windows import read_windows
from bridge.rollup.windows import Resolution
from bridge.sources.selectors import NAME, Matcher
from models.queries import coverage as ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bridge.answers.resolution import Extents
    from bridge.rollup.rows import Rows
    from models.database import Database
    from models.queries.series import SeriesRow

_MOST_ROWS: Final = 3000
"""Rows of a series that are read: the minutes of two days that are not merged yet."""


class Unknown(LookupError):  # noqa: N818 - an outcome, not an error
    """A figure that is not known; the message says why."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a window says of a series."""

    labels: Mapping[str, str]
    avg: float
    last: float
    rate: float


class Host:
    """One window of a host; figures raise Unknown where they are not known."""

    def __init__(
        self, series: Sequence[SeriesRow], rows: Rows, stretch: Stretch, seconds: int
    ) -> None:
        """`rows` are those of the window, and of the one before it.

        `seconds` is how much of the window is known, over which rates are taken.
        """
        self.stretch = stretch
        by_id = {row.id: row for row in series}
        is_now = rows.start == stretch.start
        earlier, rows = rows.take(~is_now), rows.take(is_now)
        before = dict(
            zip(earlier.series_id.tolist(), earlier.last.tolist(), strict=True)
        )
        self._samples: dict[str, list[Sample]] = {}
        for at, number in enumerate(rows.series_id.tolist()):
            if not rows.count[at]:
                continue
            row = by_id[number]
            sample = Sample(
                row.labels,
                float(rows.sum[at]) / int(rows.count[at]),
                float(rows.last[at]),
                _rise(row, rows, at, before) / seconds,
            )
            self._samples.setdefault(row.metric, []).append(sample)

    def samples(
        self, metric: str, wanted: Callable[[Mapping[str, str]], bool] | None = None
    ) -> list[Sample]:
        """Return the series of a metric; there is at least one."""
        there = self._samples.get(metric, [])
        found = [one for one in there if wanted is None or wanted(one.labels)]
        if not found:
            raise Unknown(f"there is no {metric}")
        return found

    def avg(self, metric: str) -> float:
        """Return the mean of a gauge, and of all its series."""
        found = self.samples(metric)
        return _known(metric, sum(one.avg for one in found) / len(found))

    def last(
        self, metric: str, wanted: Callable[[Mapping[str, str]], bool] | None = None
    ) -> float:
        """Return the newest values of all series of a metric, added up."""
        return _known(metric, sum(one.last for one in self.samples(metric, wanted)))

    def rate(
        self, metric: str, wanted: Callable[[Mapping[str, str]], bool] | None = None
    ) -> float:
        """Return the rise per second of all series of a counter, added up."""
        total = sum(one.rate for one in self.samples(metric, wanted))
        return _known(metric, total, "has no known rise")

    def by(self, label: str, metric: str) -> list[str]:
        """Return the values that a label has among the series of a metric, sorted."""
        return sorted({one.labels.get(label, "") for one in self.samples(metric)})


def _rise(row: SeriesRow, rows: Rows, at: int, before: Mapping[int, float]) -> float:
    """Return by how much a series rose; NaN if that is not known.

    What node_exporter exposes without a type, as /proc/vmstat, has no increase: there
    the newest values of this window and the one before are compared.
    """
    if row.kind != "unknown":
        return float(rows.increase[at])
    rise = float(rows.last[at]) - before.get(row.id, math.nan)
    return rise if rise >= 0 else math.nan


def share(part: float, total: float, what: str) -> float:
    """Return percent; raise Unknown of nothing."""
    if not total:
        raise Unknown(f"there is no {what}")
    return 100 * part / total


def _known(metric: str, value: float, why: str = "has no number") -> float:
    if not math.isfinite(value):
        raise Unknown(f"{metric} {why} in this window")
    return value


@dataclass(frozen=True, slots=True)
class Found:
    """A host in a window, where it comes from, and what to say beside it."""

    host: Host
    source: str
    job: str
    reason: str
    notes: tuple[str, ...]


def find_host(  # noqa: PLR0917 - what is asked, and what it is asked of
    db: Database,
    instance: str,
    metrics: Iterable[str],
    time: float | None,
    closed: float,
    workspace: str | None = None,
    source: str | None = None,
) -> Found:
    """Return the finest window that holds a time and says anything of a host.

    Without a time it is the newest. Raises QuestionError for a host or a time of which
    nothing is known.
    """
    names = "|".join(map(re.escape, sorted(metrics)))
    wanted = (Matcher(NAME, "=~", names), Matcher("instance", "=", instance))
    selector = parse(f"{{{','.join(map(str, wanted))}}}", "instance")
    series = find_series(db, [selector], workspace, source)
    if not series:
        raise QuestionError(
            "instance", f"there are no series of a host with instance {instance!r}"
        )
    targets = _targets(series)
    asked = [
        (target, list(_stretches(read_extents(db, target[0]), time, closed)))
        for target in targets
    ]
    for level in range(len(Resolution) + 1):
        # Of several that know it, the one with the newest window.
        at = [(one, windows[level]) for one, windows in asked if level < len(windows)]
        for target, (stretch, reason) in sorted(at, key=lambda one: -one[1][0].start):
            found = _look(db, targets[target], stretch, closed)
            if found is not None:
                host, notes = found
                others = _others(targets, target)
                return Found(host, *target, reason, (*others, *notes))
    raise QuestionError("time", f"nothing is known of {instance!r} at this time")


def _look(
    db: Database, chosen: Sequence[SeriesRow], stretch: Stretch, closed: float
) -> tuple[Host, tuple[str, ...]] | None:
    """Return what a window says of the series of a target, None if nothing."""
    width = stretch.resolution.width
    both = Stretch(stretch.resolution, stretch.start - width, stretch.end)
    read = read_windows(db, chosen, both, closed, len(chosen) * _MOST_ROWS)
    if not read.rows.count[read.rows.start == stretch.start].any():
        return None
    seconds, notes = width, read.notes
    if any(stretch.start in starts for starts in read.open.values()):
        source = chosen[0].source
        states = ledger.counts(db, source, Resolution.MINUTE.value, *stretch.bounds)
        minutes = sum(states.values()) - states["lost"]
        seconds = min(width, minutes * Resolution.MINUTE.width) or width
        note = (
            "the window is not over or not merged yet: its figures may change, and "
            f"rates are those of the {seconds} seconds that are known"
        )
        notes = (*notes, note)
    return Host(chosen, read.rows, stretch, seconds), notes


def _targets(
    series: Sequence[SeriesRow],
) -> dict[tuple[str, str], list[SeriesRow]]:
    """Return the series by source and job, as they would be counted twice.

    Those with the most series come first.
    """
    found: dict[tuple[str, str], list[SeriesRow]] = {}
    for row in series:
        found.setdefault((row.source, row.labels.get("job", "")), []).append(row)
    return {
        target: found[target]
        for target in sorted(found, key=lambda one: (-len(found[one]), one))
    }


def _others(
    targets: Iterable[tuple[str, str]], chosen: tuple[str, str]
) -> tuple[str, ...]:
    return tuple(
        f"job {job!r} of source {source} knows this instance too, and is left out"
        for source, job in sorted({*targets} - {chosen})
    )


def _stretches(
    extents: Extents, time: float | None, closed: float
) -> Iterable[tuple[Stretch, str]]:
    """Yield the windows that may answer, the finest first."""
    newest = extents.get(Resolution.MINUTE) if time is None else None
    time = closed if time is None else time
    told: list[str] = []
    if newest is not None:
        yield _window(Resolution.MINUTE, newest.newest), "the newest minute"
    for resolution in Resolution:
        reason = "; ".join([*told, "the finest that holds the time"])
        yield _window(resolution, resolution.floor(math.floor(time))), reason
        told.append(f"no {resolution.value} says anything of it")


def _window(resolution: Resolution, start: int) -> Stretch:
    return Stretch(resolution, start, start + resolution.width)
