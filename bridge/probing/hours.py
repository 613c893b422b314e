"""Makes hours of echo requests once they are over, and tells of those that are worse.

An hour to which results come later is made again, and so are those of later weeks that
were compared with it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from bridge.events.probes import SLOWER, About, prints, slower_event
from bridge.probing.baselines import Figures, compare, figures_of
from bridge.probing.telling import Teller
from models.queries import probe_hours as kept
from models.queries.stories import agent_names, subjects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bridge.telemetry import Telemetry
    from models.database import Database
    from models.queries.probe_hours import HourRow
    from models.queries.stories import Subject
    from models.queries.unjudged import ResultRow
    from runtime.probing.jobs import Baseline

SETTLES: Final = 120_000
"""Milliseconds after its end after which an hour is made."""
MOST: Final = 200
"""Hours that are made in one transaction."""
WEEK: Final = 7 * 24 * kept.HOUR
"""Milliseconds."""


def note_hours(db: Database, rows: Iterable[ResultRow]) -> None:
    """Note of which hours results came; part of the transaction that judges them."""
    hours = {
        (
            row.destination_id,
            row.agent_id,
            row.probe,
            row.scheduled_ms - row.scheduled_ms % kept.HOUR,
        )
        for row in rows
        if row.kind == "icmp"
    }
    kept.note_stale(db, hours)


class Hours:
    """Makes hours that are over."""

    def __init__(self, db: Database, telemetry: Telemetry, rules: Baseline) -> None:
        self._db = db
        self._telemetry = telemetry
        self._rules = rules

    def batch(self, now: float, most: int = MOST) -> int:
        """Make at most `most` hours; return how many. To be called on the writer."""
        before = round(now * 1000) - SETTLES - kept.HOUR + 1
        with self._db.atomic():
            stale = kept.stale_hours(self._db, before, most)
            if stale:
                known = subjects(
                    self._db, sorted({row.destination_id for row in stale})
                )
                names = agent_names(self._db)
                teller = Teller(self._db, self._telemetry, names, 0, int(now))
                for row in stale:
                    subject = known.get(row.destination_id)
                    self._make(row)
                    if subject is not None:
                        tell(row, subject, teller)
        return len(stale)

    def _make(self, row: HourRow) -> None:
        figures = figures_of(kept.echoes_of(self._db, row.key, row.start_ms))
        weeks = range(1, self._rules.weeks + 1)
        before = [row.start_ms - week * WEEK for week in weeks]
        others = [
            Figures(one.sent, one.received, one.rtt)
            for one in kept.hours_at(self._db, row.key, before)
            if not one.stale
        ]
        compared = compare(figures, others, self._rules)
        facts = orjson.dumps(compared.facts()).decode()
        kept.save_hour(
            self._db,
            replace(
                row,
                sent=figures.sent,
                received=figures.received,
                rtt=figures.rtt,
                verdict=compared.verdict,
                facts=facts,
            ),
        )
        if figures != Figures(row.sent, row.received, row.rtt):
            later = [row.start_ms + week * WEEK for week in weeks]
            kept.note_stale_again(self._db, row.key, later)


def tell(row: HourRow, subject: Subject, teller: Teller) -> None:
    """Tell of the worse hours that hang together with one, and of later ones."""
    about = About(subject.name, subject.host, row.probe)
    agent = "" if row.agent_id == kept.SCRAPED else teller.agents.get(row.agent_id, "?")
    usual = kept.last_usual_before(teller.db, row.key, row.start_ms)
    hours = kept.hours_from(teller.db, row.key, usual)
    events = [
        slower_event(about, lasted, agent, facts, count)
        for lasted, facts, count in _stretches(hours)
    ]
    teller.put([prints(SLOWER, about, agent)], usual, events)


def _stretches(
    hours: Sequence[HourRow],
) -> Iterator[tuple[tuple[int, int | None], dict[str, Any], int]]:
    """Yield when worse hours without a break began and ended, and how many they are.

    The newest have not ended; the facts are those of the first.
    """
    first: HourRow | None = None
    for place, row in enumerate(hours):
        if not row.verdict:
            continue
        first = first or row
        end = row.start_ms + kept.HOUR
        following = hours[place + 1] if place + 1 < len(hours) else None
        if following is not None and following.verdict and following.start_ms == end:
            continue
        count = (end - first.start_ms) // kept.HOUR
        closed = None if following is None else end
        yield (first.start_ms, closed), orjson.loads(first.facts), count
        first = None
