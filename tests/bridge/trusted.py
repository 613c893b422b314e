"""A database that a bridge has filled from its own scrapes, for ten minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from prometheus_client import CollectorRegistry

from bridge.composition import compose
from bridge.receivers.intake import append
from bridge.rollup.parts import Parts
from bridge.telemetry import Telemetry
from bridge.writer import Writer
from models.directory import SeriesDirectory, SeriesFacts, canonical
from models.queries.buffer import Samples
from runtime.settings import Settings
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.database import Database

T = TypeVar("T")
BEGIN = 1_700_000_040
SOURCES = """
sources:
  - name: local
    kind: scrape
    targets: [{url: "http://127.0.0.1:1/metrics"}]
"""


@dataclass
class Lived:
    """The database, and the engine that filled it."""

    db: Database
    clock: FakeClock

    def feed(self, name: str, samples: list[tuple[float, float]]) -> None:
        """Take samples of a counter, at seconds after the beginning."""
        directory = SeriesDirectory(self.db)
        facts = SeriesFacts(name, canonical({"job": "x"}), "counter")
        ids = directory.resolve("local", [facts], int(self.clock.now()))
        times = np.array([round((BEGIN + t) * 1000) for t, _ in samples], np.int64)
        values = np.array([v for _, v in samples], np.float64)
        series = np.repeat(ids, len(samples))
        alone, no_bounds = np.zeros(len(times), np.int8), np.full(len(times), np.nan)
        taken = Samples(series, times, values, alone, no_bounds)
        append(self.db, "local", taken, int(self.clock.now()))

    def feed_histogram(self, name: str, samples: list[tuple[float, float]]) -> None:
        """Take a histogram at seconds after the beginning, by how much it observed.

        A half of its observations is at most 1, and each of them adds 2 to its sum.
        """
        directory = SeriesDirectory(self.db)
        facts = SeriesFacts(name, canonical({"job": "x"}), "histogram")
        ids = directory.resolve("local", [facts], int(self.clock.now()))
        rows = [
            (round((BEGIN + t) * 1000), value, part, bound)
            for t, seen in samples
            for value, part, bound in (
                (seen / 2, 1, 1.0),
                (seen, 1, np.inf),
                (seen * 2, 2, np.nan),
                (seen, 3, np.nan),
            )
        ]
        times, values, parts, bounds = zip(*rows, strict=True)
        taken = Samples(
            np.repeat(ids, len(rows)),
            np.array(times, np.int64),
            np.array(values, np.float64),
            np.array(parts, np.int8),
            np.array(bounds, np.float64),
        )
        append(self.db, "local", taken, int(self.clock.now()))

    def beat(self) -> None:
        """Let a bridge work once."""
        settings = Settings.model_validate(
            {
                "sources": [
                    {
                        "name": "local",
                        "kind": "scrape",
                        "targets": [{"url": "http://127.0.0.1:1/metrics"}],
                    }
                ],
                "verify": {"every": "0s"},
            }
        )
        telemetry = Telemetry.create(CollectorRegistry())
        parts = Parts(
            self.db, _at_once, SeriesDirectory(self.db), telemetry, self.clock
        )
        writer = Writer(telemetry, self.clock, self.db.close)
        composition = compose(settings, parts, writer, only="local")
        composition.engines[0].beat()
        composition.close()


def lived(db: Database) -> Lived:
    """Return a database with ten minutes of a counter that was reset once."""
    made = Lived(db, FakeClock(BEGIN + 30))
    for minute in range(10):
        made.clock.advance(60)
        made.feed(
            "a_total",
            [
                (minute * 60 + t, float((minute * 4 + n) % 22))
                for n, t in enumerate((0, 15, 30, 45))
            ],
        )
    made.beat()
    return made


def _at_once(_name: str, job: Callable[[], T], /) -> T:
    return job()
