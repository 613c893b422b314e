"""Reads the windows of a source with what committed rows say came before them.

`bridge.rollup.reading` reads one window; this knows of all of them which look-back they
need, what the window before ended with, and what is left out or folded.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bridge.rollup import joints
from bridge.rollup.buckets.census import Census
from bridge.rollup.buckets.spreads import Spreads
from bridge.rollup.kinds import Kinds
from bridge.rollup.overflow import Overflow
from bridge.rollup.reading import Counting, Reading, read
from bridge.rollup.steps import Policy
from bridge.rollup.tail import Tail
from bridge.rollup.tolerances import Tolerances
from models.queries.layouts import bounds_of
from models.queries.series import kinds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.rollup.correction.corrections import Corrections
    from bridge.rollup.lookout import Lookout
    from bridge.rollup.parts import Parts
    from bridge.rollup.rows import Ints
    from bridge.rollup.tail import LastBefore, Newest
    from bridge.rollup.windows import Window
    from bridge.sources.base import Source
    from bridge.sources.known import Resolve
    from models.directory import SeriesDirectory
    from runtime import settings


class Reader:
    """Reads windows of one source; all methods are for one thread.

    `resolve` answers the ids of series that are made of others. Reading raises
    SourceError.
    """

    def __init__(  # noqa: PLR0917 - what a window is read by
        self,
        source: Source,
        rollup: settings.Rollup,
        parts: Parts,
        lookout: Lookout,
        corrections: Corrections | None,
        resolve: Resolve | None,
    ) -> None:
        self._source = source
        self._parts = parts
        self._lookout = lookout
        self._corrections = corrections
        self._lookback_ms = round(rollup.lookback * 1000)
        self._kinds = Kinds(lambda ids: kinds_of(parts.db, ids))
        self._counting = replace(
            _counting(rollup, parts.directory, resolve),
            layouts=lambda ids: bounds_of(parts.db, ids),
        )
        self._tails: dict[int, Tail] = {}
        self._folding = False
        self._overflow = Overflow(parts.db, source.name)

    @property
    def census(self) -> Census | None:
        """What counts different label values."""
        return self._counting.census

    def read(self, window: Window) -> tuple[Reading, Tail]:
        """Read a window; `advance` the tail once its rows are committed."""
        tail = self._tails.pop(window.start, None)
        new, lookback_ms = self._tail(window)
        if tail is None or tail.run != new.run:  # windows before it were done meanwhile
            tail = new
        return self._read(window, tail, lookback_ms), tail

    def reread(self, window: Window) -> Reading:
        """Compute a finished window once more."""
        return self._read(window, *self._tail(window))

    def read_part(self, source: Source, window: Window, *, first: bool) -> Reading:
        """Read some of the source's series; with the look-back for a `first` window."""
        tail, lookback_ms = self._tail(window)
        if first or self._overflow.has_rows(window, self._lookback_ms):
            lookback_ms = self._lookback_ms
        counting = replace(self._counting, census=None)
        return read(
            source, window, tail, self._kinds, lookback_ms, self._corrections, counting
        )

    def advance(self, window: Window, tail: Tail, reading: Reading) -> None:
        """Hear that a window's rows are committed: the next one goes on from them."""
        tail.advance(window.end, reading.rows)
        self._tails = dict([*self._tails.items(), (window.end, tail)][-3:])

    def forget(self) -> None:
        """Hear that rows of the past have changed."""
        self._tails.clear()

    def _read(self, window: Window, tail: Tail, lookback_ms: int) -> Reading:
        """Read a window; where series are folded, what came before as well.

        No rows say of a folded series by itself what it stood at, also where it is
        folded no longer as the budget was raised.
        """
        folding = self._folding or self._overflow.has_rows(window, self._lookback_ms)
        wanted_ms = self._lookback_ms if folding else lookback_ms
        reading = self._read_since(window, tail, wanted_ms)
        if reading.folded and not wanted_ms:
            reading = self._read_since(window, tail, self._lookback_ms)
        self._folding = bool(reading.folded)
        if self._folding:
            self._overflow.forget()
        folded = sum(map(len, reading.folded))
        self._parts.telemetry.series_folded.labels(self._source.name).set(folded)
        return reading

    def _read_since(self, window: Window, tail: Tail, lookback_ms: int) -> Reading:
        return read(
            self._source,
            window,
            tail,
            self._kinds,
            lookback_ms,
            self._corrections,
            counting=self._counting,
        )

    def _tail(self, window: Window) -> tuple[Tail, int]:
        """Return the last values before a window, and how far to look back for more."""
        run = self._lookout.agenda.run_start(window.start)
        first = None if self._lookout.kept_since is not None else self._lookout.begin
        alone = window.start in (run, first)
        tail = Tail(window.start, run, None if alone else self._last_before(run))
        return tail, self._lookback_ms if alone else 0

    def _last_before(self, run: int | None) -> LastBefore:
        def lookup(series_id: Ints, start: int) -> Newest:
            return joints.predecessors(self._parts.db, series_id, start, run)

        return lookup


def _counting(
    rollup: settings.Rollup, directory: SeriesDirectory, resolve: Resolve | None
) -> Counting:
    policy = Policy(
        evidence=rollup.first_sample == "evidence",
        max_gap_ms=round(rollup.max_gap * 1000),
    )

    def describe(ids: Sequence[int]) -> list[tuple[str, dict[str, str]]]:
        return directory.describe(ids, remember=False)

    return Counting(
        policy,
        Tolerances(rollup.dips, describe).of,
        spreads=Spreads(rollup.distributions, describe),
        census=resolve and Census(rollup.distinct, describe, resolve),
    )
