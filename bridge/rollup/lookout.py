"""Which windows of a source are to be done: those that closed, and those that are owed.

Everything is told by the ledger and by the source; what is remembered here only saves
looking there again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bridge.rollup.deletion import kept
from bridge.rollup.plan import FINISHED, MINUTE, OPEN, Agenda
from bridge.rollup.windows import Resolution
from models.queries import ledger

if TYPE_CHECKING:
    from bridge.rollup.parts import Parts
    from bridge.rollup.reports import Reporter
    from bridge.sources.base import Source
    from runtime import settings

log = structlog.get_logger(__name__)


class Lookout:
    """Puts the windows of a source on its agenda.

    `begin` is the first window of the source, and `kept_since` the first one that has
    not been deleted on purpose; None where that is not known, or nothing was deleted.
    """

    def __init__(
        self,
        source: Source,
        initial_history: float,
        rollup: settings.Rollup,
        reporter: Reporter,
        parts: Parts,
    ) -> None:
        self._source = source
        self._initial_history = initial_history
        self._rollup = rollup
        self._reporter = reporter
        self._parts = parts
        self._searched: float | None = None
        self.agenda = Agenda(rollup.catch_up)
        self.begin: int | None = None
        self.kept_since: int | None = None

    def search_again(self) -> None:
        """Search the whole ledger at the next look."""
        self._searched = None

    def look(self) -> bool:
        """Put on the agenda what has closed, what is dirty and what was never done.

        Returns whether the whole ledger was searched. Raises SourceError.
        """
        now_ms = self._source.now_ms()
        self._parts.telemetry.source_up.labels(self._source.name).set(1)
        settled = (now_ms - round(self._rollup.settle * 1000)) // 1000
        until = Resolution.MINUTE.floor(settled)
        begin = self._find_begin(now_ms)
        if begin is None or until <= begin:
            return False
        self._take_back()
        searched = self._search(begin, until)
        self.agenda.extend(begin, until)
        for entry in ledger.unfinished(
            self._parts.db, self._source.name, Resolution.MINUTE.value, 1000
        ):
            if begin <= entry.start < until:
                self.agenda.add(entry.start, entry.start + MINUTE)
        return searched

    def orient(self) -> None:
        """Learn from the ledger what is pending, for an engine that only rereads."""
        db, name, minute = self._parts.db, self._source.name, Resolution.MINUTE.value
        self.begin = ledger.begin(db, name, minute)
        self.kept_since = kept.since(db, name, Resolution.MINUTE)
        newest = ledger.newest(db, name, minute)
        if newest is None:
            return
        for low, high in ledger.holes(db, name, minute, MINUTE, newest):
            self.agenda.add(low, high)
        for entry in ledger.unfinished(db, name, minute, 1000):
            self.agenda.add(entry.start, entry.start + MINUTE)

    def _find_begin(self, now_ms: int) -> int | None:
        """Return the first window of the source, from the ledger or its first data."""
        name, minute = self._source.name, Resolution.MINUTE.value
        begin = ledger.begin(self._parts.db, name, minute)
        if begin is None:
            since_ms = now_ms - round(self._initial_history * 1000)
            earliest = self._source.earliest_ms(since_ms)
            if earliest is None:
                return None
            begin = Resolution.MINUTE.floor(earliest // 1000)
            self._mark_open(begin)
        if self.begin is None or begin < self.begin:
            self.begin, self._searched = begin, None
        self.kept_since = kept.since(self._parts.db, name, Resolution.MINUTE)
        return begin if self.kept_since is None else max(begin, self.kept_since)

    def _take_back(self) -> None:
        """Settle windows that were asked for after they had been deleted."""
        db, name = self._parts.db, self._source.name
        if kept.has_strays(db, name):
            now = int(self._parts.clock.now())
            taken = self._parts.call(
                "take_back", lambda: kept.take_back(db, name, self._reporter, now)
            )
            log.warning("windows are too old to be done", source=name, windows=taken)

    def _mark_open(self, begin: int) -> None:
        """Enter the first window before any other is done, so that none is missed."""
        name, now = self._source.name, int(self._parts.clock.now())
        self._parts.call(
            "mark_open",
            lambda: ledger.mark(
                self._parts.db,
                name,
                Resolution.MINUTE.value,
                [begin],
                OPEN,
                "the first window of the source",
                now,
            ),
        )

    def _search(self, begin: int, until: int) -> bool:
        """Search the whole ledger for windows that were never done (RULES R59)."""
        now = self._parts.clock.monotonic()
        searched = self._searched
        if searched is not None and now - searched < self._rollup.find_holes:
            return False
        self._searched = now
        name, minute = self._source.name, Resolution.MINUTE.value
        newest = ledger.newest(self._parts.db, name, minute)
        if newest is None:
            return True
        for low, high in ledger.holes(self._parts.db, name, minute, MINUTE, until):
            if high <= newest or self.agenda.until is not None:
                self.agenda.add(max(low, begin), high)
        if self.agenda.until is None:
            last = ledger.entries(self._parts.db, name, minute, newest, newest + 1)
            resume = newest + MINUTE if last[0].state in FINISHED else newest
            self.agenda.extend(resume, max(until, resume))
        return True
