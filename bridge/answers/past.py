"""Answers as they were: rows that were changed since are put back, by the log.

What was first done after that time was not there yet. Rows of windows that are older
than the log, and entries that retention has deleted, are taken as they are now.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.answers.buckets import Packed
from bridge.answers.errors import QuestionError
from bridge.answers.figures import figures_of
from bridge.answers.times import read_time
from bridge.rollup.compare import FIGURES, read
from bridge.rollup.rows import Rows, no_blobs
from models.queries import restatements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bridge.answers.buckets import ByStart
    from bridge.answers.times import Stretch
    from bridge.rollup.rows import Ints
    from models.database import Database
    from models.queries.figures import Figures
    from models.queries.series import SeriesRow


def read_as_of(text: str | None, now: float, *, of_calendar: bool) -> int | None:
    """Read the time of which an answer is asked; raise QuestionError for none.

    `of_calendar` says that the answer is in periods of a calendar.
    """
    if text is None:
        return None
    if of_calendar:
        raise QuestionError(
            "as_of", "as_of is for windows of UTC: minute, hour, day or auto"
        )
    return math.floor(read_time(text, now, "as_of"))


class Past:
    """What rows of some series in a stretch of windows were at a time."""

    def __init__(
        self, db: Database, series: Sequence[SeriesRow], stretch: Stretch, at: int
    ) -> None:
        """Read what was restated after `at`, UTC seconds."""
        self._at = at
        name, bounds = stretch.resolution.value, stretch.bounds
        ids = np.array(sorted(row.id for row in series), np.int64)
        sources = sorted({row.source for row in series})
        found = restatements.first_after(db, ids, name, *bounds, at)
        self._before: dict[int, dict[int, str | None]] = {}
        for (number, start), before in found.items():
            self._before.setdefault(number, {})[start] = before
        self._unborn = {
            source: restatements.first_done_after(db, source, name, *bounds, at)
            for source in sources
        }
        self._untold = sum(
            restatements.uncounted_after(db, source, name, *bounds, at)
            for source in sources
        )

    def figures(
        self, row: SeriesRow, figures: Figures, names: Sequence[str]
    ) -> Figures:
        """Return the figures of a series as they were; the first one is the start."""
        before = self._before.get(row.id, {})
        unborn = self._unborn[row.source]
        touched: Ints = np.union1d(np.fromiter(before, np.int64, len(before)), unborn)
        kept = figures[~np.isin(figures[:, 0].astype(np.int64), touched)]
        born = set(before).difference(unborn.tolist())
        rows = _rows(row.id, {at: before[at] for at in born})
        joined = np.concatenate((kept, figures_of(rows, names)))
        ordered: Figures = joined[np.argsort(joined[:, 0], kind="stable")]
        return ordered

    def buckets(self, row: SeriesRow, packed: ByStart) -> ByStart:
        """Return the buckets of a series as they were, as far as the log keeps them."""
        before = self._before.get(row.id, {})
        unborn = set(self._unborn[row.source].tolist())
        touched = unborn.union(before)
        kept = {at: one for at, one in packed.items() if at not in touched}
        for at, text in before.items():
            facts = {} if text is None or at in unborn else read(text)
            blob = facts.get("buckets")
            if blob is not None:
                kept[at] = Packed(blob, facts["min"], facts["max"])
        return kept

    def notes(self) -> Iterator[str]:
        """Yield what a reader should know."""
        if self._untold:
            yield (
                f"{self._untold} rows were changed since then that the log only "
                "counts; they are shown as they are now"
            )


def _rows(series_id: int, before: dict[int, str | None]) -> Rows:
    known = [(at, read(text)) for at, text in before.items() if text is not None]
    nothing = Rows.join([])
    columns: dict[str, Any] = {}
    for name in FIGURES:
        values = [row[name] for _, row in known]
        columns[name] = np.array(values, getattr(nothing, name).dtype)
    columns["series_id"] = np.full(len(known), series_id, np.int64)
    columns["start"] = np.array([at for at, _ in known], np.int64)
    columns["buckets"] = no_blobs(len(known))
    return Rows(**columns)
