"""A world some of whose series are not read until somebody asks for them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup.engine import Engine
from bridge.rollup.mending import Mender
from bridge.rollup.parts import Parts
from bridge.sources.matching import matching
from models.budget import Budget
from models.directory import SeriesDirectory, SeriesFacts, canonical
from models.queries import backfills
from tests.bridge.rollup.world import BEGIN, ListSource, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bridge.rollup.rows import Ints
    from bridge.sources.base import Block, SourceError, Warnings
    from models.queries.backfills import BackfillRow
    from tests.oracle import Samples


@dataclass
class LabelledSource(ListSource):
    """All series are counters of one metric, told apart by who; at most `limit`."""

    limit: int = 0

    def _block(self, held: dict[str, Samples]) -> Block:
        made = super()._block(held)
        facts = [
            SeriesFacts("seen_total", canonical({"who": name}), "counter")
            for name in held
        ]
        budget = Budget(self.directory._db, self.limit)
        now = int(self.clock.now())
        ids = self.directory.resolve(self.name, facts, now, budget=budget)
        return replace(made, series_id=ids)

    def absent(
        self, series_id: Ints, earliest_ms: Ints, first_ms: Ints, since_ms: int
    ) -> Ints:
        return np.zeros(len(series_id), np.int64)


@dataclass
class HidingSource(ListSource):
    """Answers but those that are hidden, of which it knows nothing."""

    hidden: set[str] = field(default_factory=set)
    parts: list[tuple[int, int]] = field(default_factory=list)
    part_fails: list[SourceError] = field(default_factory=list)
    part_warns: list[str] = field(default_factory=list)
    limit: int | None = None
    """Of a labelled source; None for a plain one."""

    def read(self, start_ms: int, end_ms: int, warnings: Warnings) -> Iterator[Block]:
        return self.shown().read(start_ms, end_ms, warnings)

    def shown(self) -> ListSource:
        """The same source with what is not hidden."""
        names = {name for name in self.series if name not in self.hidden}
        return self._only(names, self.reads, self.warns, self.failures)

    def narrowed(self, match: Sequence[str]) -> ListSource:
        """What matches and is not hidden; ValueError where nothing is."""
        takes = [matching(one) for one in match]
        names = {
            name
            for name in self.series
            if name not in self.hidden
            and any(one(name, {}) or one("seen_total", {"who": name}) for one in takes)
        }
        if not names:
            raise ValueError(f"{match[0]!r} is not covered by the settings")
        return self._only(names, self.parts, self.part_warns, self.part_fails)

    def _only(
        self,
        names: set[str],
        reads: list[tuple[int, int]],
        warns: list[str],
        fails: list[SourceError],
    ) -> ListSource:
        plain = (
            ListSource(self.directory, self.clock)
            if self.limit is None
            else LabelledSource(self.directory, self.clock, limit=self.limit)
        )
        plain.series = {name: self.series[name] for name in names}
        plain.forgets_before_ms = self.forgets_before_ms
        plain.reads, plain.warns, plain.failures = reads, warns, fails
        return plain

    def absent(
        self, series_id: Ints, earliest_ms: Ints, first_ms: Ints, since_ms: int
    ) -> Ints:
        if self.limit is not None:
            return np.zeros(len(series_id), np.int64)
        return super().absent(series_id, earliest_ms, first_ms, since_ms)

    def count(self, start_ms: int, end_ms: int) -> int | None:
        return self.shown().count(start_ms, end_ms)


class PartialWorld(World):
    """A world whose engine merges series into finished windows when asked to."""

    source: HidingSource

    def __init__(
        self, directory: Path, url: str | None = None, **rollup: object
    ) -> None:
        super().__init__(directory, url, **rollup)
        self.source = HidingSource(self.directory, self.clock)
        self.new_engine()

    def new_engine(self) -> Engine:
        parts = Parts(
            self.db, self._call, SeriesDirectory(self.db), self.telemetry, self.clock
        )
        mender = None
        if isinstance(self.source, HidingSource):
            mender = Mender(
                self.source.name, self.source.narrowed, parts, self.rollup.warnings
            )
        self.engine = Engine(
            self.source,
            self.history,
            self.rollup,
            self.reporter,
            parts,
            resolve=lambda facts: self.directory.resolve("list", facts, 0),
            mender=mender,
        )
        return self.engine

    def fill(self, names: Sequence[str], until: int, seed: int = 68) -> None:
        """Give series samples from the same dice: counters that reset, and gauges."""
        for name in names:
            dice = random.Random(f"{seed} {name}")
            value, samples = 0.0, []
            for second in range(dice.randrange(15), until, 15):
                value = 0.0 if dice.random() < 0.02 else value + dice.randrange(9)
                if dice.random() > 0.05:
                    samples.append((second * 1000, value))
            self.feed(name, samples)

    def ask(self, start: int, until: int, *match: str, rate: int = 0) -> BackfillRow:
        """Ask for series of a span, in seconds after the beginning."""
        return backfills.create(
            self.db, "list", match, BEGIN + start, BEGIN + until, rate, 7
        )

    def state(self, request: BackfillRow) -> BackfillRow:
        """How far a backfill is."""
        return replace(backfills.find(self.db, request.id))

    def ledger(self) -> list[tuple[object, ...]]:
        """What the ledger says of all windows, but for how often and why."""
        found = self.db.execute_sql(
            "SELECT resolution, start, state, samples, series FROM ledger "
            "ORDER BY resolution, start"
        )
        return [tuple(row) for row in found.fetchall()]

    def figures(self) -> list[tuple[object, ...]]:
        """All rows of all resolutions, by the names of their series."""
        return [
            (table, *row)
            for table in ("rollup_minute", "rollup_hour", "rollup_day")
            for row in self.db.execute_sql(
                "SELECT s.metric, start, count, sum, min, max, first, last, increase, "
                f"resets, expected, flags, last_offset, gap FROM {table} r "
                "JOIN series s ON s.id = r.series_id ORDER BY s.metric, start"
            ).fetchall()
        ]
