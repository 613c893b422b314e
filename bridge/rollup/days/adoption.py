"""Brings the calendars of the settings and those of the database together.

Rows of local days are made by the rules of a zone as they were when they were made, and
the database keeps those. Where a zone or its rules have changed since, the days that
they move are deleted, to be derived anew, and all others stay (RULES R9). Done a few
days at a time; the new rules are noted when no day of the old ones is left, so that it
can be killed anywhere and goes on.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import structlog

from bridge.rollup.days.calendars import Calendar, Period, Rules
from bridge.rollup.plan import PARTIAL
from models.queries import calendars as queries
from models.queries import ledger, retained
from models.queries.calendars import KEPT, RETIRED, Listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bridge.sources.buffer import Call
    from models.database import Database
    from runtime.clock import Clock
    from runtime.settings import Calendar as Wanted

log = structlog.get_logger(__name__)

AT_ONCE: Final = 50
"""Days that one step deletes."""

GONE: Final = "the zone's rules changed after what the day was made from was deleted"
"""Why a day stays that is no day of its calendar any more."""

_BACK: Final = "the calendar had been retired"


class Calendars:
    """The calendars of the settings, shared by the engines of all sources."""

    def __init__(
        self, wanted: Sequence[Wanted], db: Database, call: Call, clock: Clock
    ) -> None:
        """Know the settings; nothing is read before the first `step`."""
        self._wanted = {one.name: one.zone for one in wanted}
        self._db = db
        self._call = call
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[Calendar, ...] | None = None
        self._outdated: dict[str, deque[tuple[str, Period]]] = {}

    @property
    def known(self) -> tuple[Calendar, ...]:
        """All calendars of the settings, by their present rules."""
        self.note()
        return self._known or ()

    @property
    def ready(self) -> tuple[Calendar, ...]:
        """The calendars of which no day of former rules is left."""
        known = self.known
        return tuple(one for one in known if one.name not in self._outdated)

    def note(self) -> None:
        """Have the database know the calendars, for who asks that and not this."""
        with self._lock:
            if self._known is None:
                self._known = self._look()

    def step(self) -> None:
        """Delete some days that are none any more."""
        for calendar in self.known:
            with self._lock:
                if calendar.name in self._outdated:
                    self._delete(calendar, self._outdated[calendar.name])

    def _look(self) -> tuple[Calendar, ...]:
        """Read what the database has, and note what is to be done about it."""
        known = tuple(
            Calendar(name, Rules.of(ZoneInfo(zone)))
            for name, zone in self._wanted.items()
        )
        listed = {one.name: one for one in queries.listed(self._db)}
        for name, one in listed.items():
            if name not in self._wanted and one.state != RETIRED:
                self._write(Listed(name, one.zone, one.rules, RETIRED, self._now()))
                log.info("a calendar is retired", calendar=name)
        for calendar in known:
            before = listed.get(calendar.name)
            if before is None or str(calendar.rules) == before.rules:
                self._note(calendar, before)
            else:
                outdated = deque(self._moved(calendar, Rules.read(before.rules)))
                self._outdated[calendar.name] = outdated
                log.info(
                    "the rules of a calendar changed",
                    calendar=calendar.name,
                    days=len(outdated),
                )
        return known

    def _moved(self, calendar: Calendar, before: Rules) -> Iterator[tuple[str, Period]]:
        """Yield the days of all sources that the present rules do not have."""
        for source in queries.sources_of(self._db, calendar.resolution):
            oldest = ledger.begin(self._db, source, calendar.resolution)
            newest = ledger.newest(self._db, source, calendar.resolution)
            if oldest is not None and newest is not None:
                for day in calendar.changed(before, oldest, newest + 1):
                    yield source, day

    def _delete(self, calendar: Calendar, days: deque[tuple[str, Period]]) -> None:
        for _ in range(min(AT_ONCE, len(days))):
            source, day = days[0]
            self._call("delete_local_day", self._deletion(calendar, source, day))
            days.popleft()
        if not days:
            listed = {one.name: one for one in queries.listed(self._db)}
            self._note(calendar, listed.get(calendar.name))
            del self._outdated[calendar.name]

    def _deletion(
        self, calendar: Calendar, source: str, day: Period
    ) -> Callable[[], None]:
        db, name, now = self._db, calendar.resolution, self._now()

        def delete() -> None:
            with db.atomic():
                if not ledger.entries(db, source, name, day.start, day.start + 1):
                    return
                if can_be_made(db, source, calendar, day.start, day.end):
                    queries.delete_day(db, source, calendar.name, day.start)
                    ledger.remove(db, source, name, day.start)
                else:
                    ledger.mark(db, source, name, [day.start], PARTIAL, GONE, now)

        return delete

    def _note(self, calendar: Calendar, before: Listed | None) -> None:
        """Write the rules that all days of the calendar are made by."""
        zone, rules = self._wanted[calendar.name], str(calendar.rules)
        is_back = before is not None and before.state == RETIRED
        if (
            before is not None
            and not is_back
            and (before.zone, before.rules)
            == (
                zone,
                rules,
            )
        ):
            return
        self._write(
            Listed(calendar.name, zone, rules, KEPT, self._now()),
            # What came late meanwhile reached no day of it.
            reopened=calendar.resolution if is_back else None,
        )

    def _write(self, listed: Listed, reopened: str | None = None) -> None:
        def write() -> None:
            with self._db.atomic():
                queries.write(self._db, listed)
                if reopened is not None:
                    queries.reopen(self._db, reopened, _BACK, listed.changed_at)

        self._call("write_calendar", write)

    def _now(self) -> int:
        return int(self._clock.now())


def can_be_made(
    db: Database, source: str, calendar: Calendar, start: int, end: int
) -> bool:
    """Whether all that the local days of `[start, end)` are made from is kept."""
    own = retained.since(db, source, calendar.resolution)
    for day in calendar.within(start, end):
        finer = day.built_from
        if finer is None:
            return False
        since = (own, retained.since(db, source, finer.value))
        if any(one is not None and day.start < one for one in since):
            return False
    return True
