"""Writes a past into a database, window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.answers.rollups import TABLES
from bridge.rollup.rows import Rows, no_blobs
from bridge.rollup.windows import Resolution
from models.bulk import upsert_rollups
from models.directory import SeriesDirectory, SeriesFacts, canonical
from models.queries import ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from models.database import Database

MINUTE = Resolution.MINUTE
HOUR = Resolution.HOUR
DAY = Resolution.DAY
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Row:
    """A window of a series; as the engine would write it after four samples."""

    sum: float = NAN
    min: float = NAN
    max: float = NAN
    first: float = NAN
    last: float = NAN
    increase: float = NAN
    count: int = 4
    resets: int = 0
    expected: int = 4
    flags: int = 0
    buckets: bytes | None = None


def gauge(value: float) -> Row:
    """A window whose samples are value - 1, value, value and value + 1."""
    return Row(4 * value, value - 1, value + 1, value - 1, value)


def counter(increase: float) -> Row:
    return Row(40.0, 10.0, 10.0 + increase, 10.0, 10.0 + increase, increase)


class History:
    """The past of one database."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._directory = SeriesDirectory(db)

    def series(
        self,
        metric: str,
        labels: Mapping[str, str] | None = None,
        *,
        kind: str = "gauge",
        source: str = "local",
        workspace: str = "",
        seen: int = 0,
    ) -> int:
        """Return the id of a series, made if it is new."""
        facts = SeriesFacts(metric, canonical(labels or {}), kind)
        ids = self._directory.resolve(source, [facts], seen, workspace=workspace)
        return int(ids[0])

    def rows(
        self, resolution: Resolution, series_id: int, rows: Mapping[int, Row]
    ) -> None:
        """Write the windows of a series by their starts."""
        count = len(rows)
        values = rows.values()

        def ints(name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
            return np.fromiter((getattr(row, name) for row in values), np.int64, count)

        def floats(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
            return np.fromiter(
                (getattr(row, name) for row in values), np.float64, count
            )

        blobs = no_blobs(count)
        blobs[:] = [row.buckets for row in values]
        columns = Rows(
            series_id=np.full(count, series_id, dtype=np.int64),
            start=np.fromiter(rows, np.int64, count),
            count=ints("count"),
            sum=floats("sum"),
            min=floats("min"),
            max=floats("max"),
            first=floats("first"),
            last=floats("last"),
            increase=floats("increase"),
            resets=ints("resets"),
            expected=ints("expected"),
            flags=ints("flags"),
            last_offset=np.zeros(count, np.int64),
            gap=np.zeros(count, np.int64),
            changes=np.zeros(count, np.int64),
            buckets=blobs,
        )
        with self._db.atomic():
            upsert_rollups(self._db, TABLES[resolution], columns)

    def gauges(
        self,
        metric: str,
        resolution: Resolution,
        start: int,
        values: Sequence[float | None],
    ) -> int:
        """Write a gauge without labels and mark its windows done; None has no row."""
        series_id = self.series(metric)
        starts = range(start, start + len(values) * resolution.width, resolution.width)
        rows = {
            at: gauge(value)
            for at, value in zip(starts, values, strict=True)
            if value is not None
        }
        self.rows(resolution, series_id, rows)
        self.mark(resolution, starts)
        return series_id

    def mark(
        self,
        resolution: Resolution,
        starts: Iterable[int],
        state: str = "done",
        *,
        source: str = "local",
        reason: str = "",
    ) -> None:
        """Give windows a state in the ledger."""
        with self._db.atomic():
            ledger.mark(
                self._db, source, resolution.value, list(starts), state, reason, 0
            )
