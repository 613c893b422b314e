"""A small world for the engine: a source made of lists, a real database, fake time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from prometheus_client import CollectorRegistry

from bridge.rollup.engine import Engine
from bridge.rollup.parts import Parts
from bridge.sources.base import Block, Presence, SourceError, Warnings
from bridge.telemetry import Telemetry
from models.database import Database, open_database
from models.directory import SeriesDirectory, SeriesFacts, canonical
from models.migrate import Migrations
from runtime import settings
from tests.databases import copy_sqlite
from tests.fakes import FakeClock
from tests.oracle import Expected, Samples, expected_row, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bridge.rollup.rows import Ints, Rows
    from bridge.rollup.windows import Window
    from models.queries.events import EventRow

T = TypeVar("T")
BEGIN = 1_700_000_040
"""A minute of UTC, twenty seconds of minutes away from an hour's start."""
FIGURES = ("count", "sum", "min", "max", "first", "last", "increase", "resets")


@dataclass
class ListSource:
    """Answers from lists; fails, warns and lies as it is told."""

    directory: SeriesDirectory
    clock: FakeClock
    series: dict[str, Samples] = field(default_factory=dict)
    interval_ms: int = 15_000
    forgets_before_ms: int = 0
    failures: list[SourceError] = field(default_factory=list)
    warns: list[str] = field(default_factory=list)
    reads: list[tuple[int, int]] = field(default_factory=list)
    per_block: int = 2
    finished_ms: int = 0
    scraped: list[int] = field(default_factory=list)
    asked_absent: list[int] = field(default_factory=list)
    name: str = "list"

    def now_ms(self) -> int:
        return round(self.clock.now() * 1000)

    def earliest_ms(self, not_before_ms: int) -> int | None:
        times = [t for s in self.series.values() for t, _ in s if t >= not_before_ms]
        return min((t for t in times if t >= self.forgets_before_ms), default=None)

    def presence(self, start_ms: int, end_ms: int) -> Presence:
        heard = any(self._within(s, start_ms, end_ms) for s in self.series.values())
        return Presence(recording=heard, interval_ms=self.interval_ms)

    def read(self, start_ms: int, end_ms: int, warnings: Warnings) -> Iterator[Block]:
        self.reads.append((start_ms, end_ms))
        warnings.messages.extend(self.warns)
        warnings.hold(self._held(start_ms, end_ms))
        held = {
            name: kept
            for name, samples in sorted(self.series.items())
            if (kept := self._within(samples, start_ms, end_ms))
        }
        names = list(held)
        for low in range(0, len(names), self.per_block):
            yield self._block({n: held[n] for n in names[low : low + self.per_block]})
            if self.failures:
                raise self.failures.pop(0)
        if self.failures:
            raise self.failures.pop(0)

    def absent(
        self, series_id: Ints, earliest_ms: Ints, first_ms: Ints, since_ms: int
    ) -> Ints:
        """What `scraped` says: the times at which the one target was, successfully."""
        self.asked_absent.append(len(series_id))
        return np.array(
            [
                self._absent(one, *span)
                for (one, _), *span in zip(
                    self.directory.describe(series_id.tolist()),
                    earliest_ms.tolist(),
                    first_ms.tolist(),
                    strict=True,
                )
            ],
            np.int64,
        )

    def _absent(self, name: str, earliest: int, first: int) -> int:
        if self._within(self.series[name], earliest, first):
            return 0
        return max((t for t in self.scraped if earliest <= t < first), default=0)

    def count(self, start_ms: int, end_ms: int) -> int | None:
        return self._held(start_ms, end_ms)

    def _held(self, start_ms: int, end_ms: int) -> int:
        found = self.series.values()
        return sum(len(self._within(one, start_ms, end_ms)) for one in found)

    def done(self, end_ms: int) -> None:
        self.finished_ms = end_ms

    def close(self) -> None:
        pass

    def _within(self, samples: Samples, start_ms: int, end_ms: int) -> Samples:
        start = max(start_ms, self.forgets_before_ms)
        return [(t, v) for t, v in samples if start <= t < end_ms]

    def _block(self, held: dict[str, Samples]) -> Block:
        now = int(self.clock.now())
        facts = [
            SeriesFacts(
                name, canonical({}), "counter" if name.endswith("_total") else "gauge"
            )
            for name in held
        ]
        lengths = [len(samples) for samples in held.values()]
        flat = [sample for samples in held.values() for sample in samples]
        return Block(
            series_id=self.directory.resolve(self.name, facts, now),
            offsets=np.cumsum([0, *lengths]),
            times=np.array([t for t, _ in flat], dtype=np.int64),
            values=np.array([v for _, v in flat], dtype=np.float64),
            expected=np.full(len(held), 60_000 // self.interval_ms, dtype=np.int64),
            counter=np.array([name.endswith("_total") for name in held]),
        )


class QuietReporter:
    """Reports nothing but what became of windows, in words."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[int, str, str]] = []
        self.failed: list[str] = []

    @property
    def detectors(self) -> Sequence[str]:
        return ()

    def of_rows(self, window: Window, rows: Sequence[Rows]) -> list[EventRow]:
        return []

    def of_outcome(self, window: Window, state: str, reason: str) -> list[EventRow]:
        self.outcomes.append((window.start, state, reason))
        return []

    def of_failure(self, start: int, reason: str, message: str) -> list[EventRow]:
        self.failed.append(reason)
        return []


class Killed(BaseException):
    """The process ended here."""


class World:
    """One source, its engine and the tables, in a directory of their own."""

    def __init__(
        self, directory: Path, url: str | None = None, **rollup: object
    ) -> None:
        """Build it in a file of SQLite, or in the database at a URL."""
        self.clock = FakeClock(BEGIN)
        path = directory / "world.db"
        if url is None and not path.exists():
            copy_sqlite(path)
        self.url = url or f"sqlite:///{path}"
        self.db: Database = open_database(self.url)
        Migrations(self.db).up()
        self.directory = SeriesDirectory(self.db)
        self.source = ListSource(self.directory, self.clock)
        self.reporter = QuietReporter()
        self.registry = CollectorRegistry()
        self.telemetry = Telemetry.create(self.registry)
        self.rollup = settings.Rollup.model_validate(rollup)
        self.calls_until_killed = math.inf
        self.history = 36000.0
        self.engine = self.new_engine()

    def new_engine(self) -> Engine:
        """Start anew, as after a crash: nothing is remembered."""
        self.engine = Engine(
            self.source,
            self.history,
            self.rollup,
            self.reporter,
            Parts(
                self.db,
                self._call,
                SeriesDirectory(self.db),
                self.telemetry,
                self.clock,
            ),
        )
        return self.engine

    def _call(self, name: str, job: Callable[[], T]) -> T:
        self.calls_until_killed -= 1
        if self.calls_until_killed < 0:
            raise Killed
        return job()

    def feed(self, name: str, samples: Samples) -> None:
        """Give a series samples, at milliseconds after the world's beginning."""
        held = self.source.series.setdefault(name, [])
        held.extend((BEGIN * 1000 + t, v) for t, v in samples)
        held.sort()

    def run_to(self, seconds: float) -> None:
        """Let time pass to `seconds` after the beginning, and settle; then beat."""
        self.clock.advance(BEGIN + seconds + self.rollup.settle - self.clock.now())
        self.engine.beat()

    def rows(self, table: str) -> dict[tuple[str, int], Expected]:
        """All rows of a rollup table, by name and seconds after the beginning."""
        cursor = self.db.execute_sql(
            f"SELECT s.metric, r.start, {', '.join(f'r.{name}' for name in FIGURES)} "
            f"FROM {table} r JOIN series s ON s.id = r.series_id"
        )
        return {
            (row[0], row[1] - BEGIN): Expected(*row[2:]) for row in cursor.fetchall()
        }

    def states(self, resolution: str = "minute") -> dict[int, str]:
        """The ledger's states, by seconds after the beginning."""
        cursor = self.db.execute_sql(
            "SELECT start, state FROM ledger "
            f"WHERE resolution = {self.db.param} ORDER BY start",
            (resolution,),
        )
        return {start - BEGIN: state for start, state in cursor.fetchall()}

    def truth(self, start: int, end: int) -> dict[tuple[str, int], Expected]:
        """What the minutes of `[start, end)` must hold, by the oracle."""
        return {
            (name, minute): row
            for name, samples in self.source.series.items()
            for minute in range(start, end, 60)
            if (
                row := expected_row(
                    samples,
                    (BEGIN + minute) * 1000,
                    (BEGIN + minute + 60) * 1000,
                    counter=name.endswith("_total"),
                )
            )
        }

    def merged_truth(
        self, width: int, start: int, end: int
    ) -> dict[tuple[str, int], Expected]:
        """What coarser windows must hold: the oracle's minutes of `[start, end)`."""
        groups: dict[tuple[str, int], list[Expected]] = {}
        for (name, minute), row in sorted(self.truth(start, end).items()):
            window = (BEGIN + minute) // width * width - BEGIN
            groups.setdefault((name, window), []).append(row)
        found = ((key, merged(rows)) for key, rows in groups.items())
        return {key: row for key, row in found if row is not None}
