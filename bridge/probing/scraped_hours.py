"""Makes hours of jobs whose results are not kept, of what was scraped of them.

An hour is made once all sources that have it are done with it, and again when the
ledger says that its rollups are others than before.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson

from bridge.probing.baselines import Figures, compare
from bridge.probing.hours import WEEK, tell
from bridge.probing.scraped_figures import checks_of, figures_at
from bridge.probing.telling import Teller
from models.queries import ledger
from models.queries import probe_hours as kept
from models.queries.entries import DESTINATIONS, JOBS, Sought, search
from models.queries.stories import subjects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bridge.probing.scraped_figures import Check, Members
    from bridge.rollup.parts import Parts
    from models.queries.probe_hours import HourRow
    from runtime.probing.jobs import Baseline

BACK: Final = 24
"""Hours that are looked at whether their rollups changed."""
MOST: Final = 200
"""Checks that are read, and written, at once."""
_HOUR: Final = 3600
_WEEK: Final = WEEK // 1000
_UNFINISHED: Final = frozenset({"open", "dirty"})

Told: TypeAlias = "tuple[ledger.Entry, ...]"


class ScrapedHours:
    """Makes hours of what some sources scraped; on restart, those of a day again."""

    def __init__(self, parts: Parts, sources: Sequence[str], rules: Baseline) -> None:
        self._parts = parts
        self._sources = tuple(sources)
        self._rules = rules
        self._made: dict[int, Told] = {}

    def beat(self) -> bool:
        """Make the oldest hour of which there is something new; return if one was."""
        newest = (int(self._parts.clock.now()) // _HOUR - 1) * _HOUR
        hours = range(newest - (BACK - 1) * _HOUR, newest + _HOUR, _HOUR)
        self._made = {at: told for at, told in self._made.items() if at in hours}
        for start, told in sorted(self._settled(hours).items()):
            if self._made.get(start) != told:
                self._make(start)
                self._made[start] = told
                return True
        return False

    def _settled(self, hours: range) -> dict[int, Told]:
        """Return what the ledger says of hours that no source works at."""
        found: dict[int, list[ledger.Entry]] = {}
        for source in self._sources:
            for entry in ledger.entries(
                self._parts.db, source, "hour", hours.start, hours.stop
            ):
                found.setdefault(entry.start, []).append(entry)
        return {
            start: tuple(entries)
            for start, entries in found.items()
            if not any(entry.state in _UNFINISHED for entry in entries)
        }

    def _make(self, start: int) -> None:
        checks = self._checks(start)
        for some in _chunks(checks):
            rows = self._compared(some, start)
            if rows:
                self._parts.call("make_hours", partial(self._keep, rows))

    def _checks(self, start: int) -> dict[Check, Members]:
        db = self._parts.db
        jobs = {
            row.name
            for row in search(db, JOBS, Sought())
            if row.document.get("history", "all") != "all"
        }
        if not jobs:
            return {}
        probed = search(db, DESTINATIONS, Sought(enabled=True))
        names = {row.name: row.id for row in probed}
        since = start - self._rules.weeks * _WEEK
        return checks_of(db, self._sources, jobs, names, since)

    def _compared(self, checks: Mapping[Check, Members], start: int) -> list[HourRow]:
        now = figures_at(self._parts.db, checks, start)
        weeks = [
            figures_at(self._parts.db, checks, start - week * _WEEK)
            for week in range(1, self._rules.weeks + 1)
        ]
        return [
            self._row(
                check, start, figures, [one[check] for one in weeks if check in one]
            )
            for check, figures in now.items()
        ]

    def _row(
        self, check: Check, start: int, figures: Figures, others: Sequence[Figures]
    ) -> HourRow:
        number, probe = check
        compared = compare(figures, others, self._rules)
        return kept.HourRow(
            number,
            kept.SCRAPED,
            probe,
            start * 1000,
            sent=figures.sent,
            received=figures.received,
            rtt=figures.rtt,
            verdict=compared.verdict,
            facts=orjson.dumps(compared.facts()).decode(),
        )

    def _keep(self, rows: Sequence[HourRow]) -> None:
        """Write hours and tell of them, in one transaction."""
        parts = self._parts
        with parts.db.atomic():
            kept.put_hours(parts.db, rows)
            known = subjects(parts.db, sorted({row.destination_id for row in rows}))
            teller = Teller(parts.db, parts.telemetry, {}, 0, int(parts.clock.now()))
            for row in rows:
                subject = known.get(row.destination_id)
                if subject is not None:
                    tell(row, subject, teller)


def _chunks(checks: Mapping[Check, Members]) -> Iterator[dict[Check, Members]]:
    rest = iter(sorted(checks.items()))
    while some := dict(islice(rest, MOST)):
        yield some
