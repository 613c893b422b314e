"""Which local days of a calendar are done, and which are not and why."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from bridge.answers.calendars import Followed, read_followed
from bridge.answers.coverage import (
    MISSING,
    SPANS,
    Counts,
    Coverage,
    Hole,
    cover,
    expired,
    join,
    read_extents,
)
from bridge.answers.errors import QuestionError
from bridge.rollup.days.calendars import UTC_NAME
from bridge.rollup.plan import DONE
from bridge.rollup.windows import Resolution
from models.queries import ledger
from models.queries.calendars import KEPT
from models.queries.coverage import STATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bridge.answers.resolution import Extents
    from bridge.answers.times import Span
    from bridge.rollup.days.calendars import Calendar, Period
    from models.database import Database
    from models.queries.ledger import Entry

GONE: Final = "what it would be made from is no longer kept"
"""Why a day that was never merged will not be, either."""


def asked(
    db: Database, resolution: str | None, calendar: str | None
) -> tuple[list[Resolution], list[Followed]]:
    """Read of which resolutions by UTC, and of which calendars, the coverage is asked.

    Raises QuestionError for a calendar that there is not, and for minutes and hours of
    one.
    """
    followed = read_followed(db, calendar)
    if resolution not in {None, Resolution.DAY.value}:
        if calendar not in {None, UTC_NAME}:
            raise QuestionError(
                "resolution",
                f"{resolution!r} is none of a calendar's; ask for day, or leave "
                "calendar out",
            )
        return [Resolution(resolution)], []
    by_utc = [one for one in Resolution if resolution in {None, one.value}]
    return (by_utc if calendar in {None, UTC_NAME} else []), followed


def cover_all(  # noqa: PLR0917 - of what, when, and what of it
    db: Database,
    source: str,
    span: Span,
    closed: float,
    resolutions: Sequence[Resolution],
    calendars: Sequence[Followed],
) -> list[Coverage]:
    """Return the coverage of a source at some resolutions and in some calendars."""
    by_utc = [cover(db, source, span.outward(one), closed) for one in resolutions]
    return by_utc + [cover_days(db, source, one, span, closed) for one in calendars]


def cover_days(
    db: Database, source: str, followed: Followed, span: Span, closed: float
) -> Coverage:
    """Return the coverage of the days of a calendar that a span touches.

    Days that end until `closed` (UTC seconds) are expected since anything of the source
    was kept; those of a retired calendar up to the last one that was made.
    """
    calendar = followed.calendar
    days = _days(calendar, span)
    start, end = days[0].start, days[-1].end
    name = calendar.resolution
    extents = read_extents(db, source)
    gone = expired(db, source, name, (start, end))
    oldest = ledger.begin(db, source, name)
    newest = ledger.newest(db, source, name)
    until = math.floor(closed)
    if followed.state != KEPT:
        until = min(until, 0 if newest is None else calendar.holding(newest).end)
    held = [one.oldest for one in extents.values()]
    begin = min([*held, *([] if oldest is None else [oldest])], default=end)
    begin = max(begin, gone[0].end if gone else start)
    expected = [day for day in days if day.end > begin and day.end <= until]
    states = {one.start: one for one in ledger.entries(db, source, name, start, end)}
    holes = [*gone, *join(list(_holes(expected, states, extents)))]
    return Coverage(
        source=source,
        resolution=Resolution.DAY,
        calendar=calendar.name,
        start=start,
        end=end,
        oldest=oldest,
        newest=newest,
        whole=None,
        counts=_counts(expected, states, min(max(until, start), end)),
        holes=tuple(holes[:SPANS]),
        truncated=len(holes) > SPANS,
    )


def _days(calendar: Calendar, span: Span) -> list[Period]:
    return list(calendar.within(math.floor(span.start), math.ceil(span.end)))


def _counts(
    expected: Sequence[Period], states: Mapping[int, Entry], nothing: int
) -> Counts:
    found = [states[day.start].state for day in expected if day.start in states]
    by_state = Counter(found)
    return Counts(
        start=expected[0].start if expected else nothing,
        end=expected[-1].end if expected else nothing,
        windows=len(expected),
        **{state: by_state[state] for state in STATES},
        missing=len(expected) - len(found),
    )


def _holes(
    expected: Sequence[Period], states: Mapping[int, Entry], extents: Extents
) -> Iterator[Hole]:
    finer = [extents[one].oldest for one in extents if one is not Resolution.DAY]
    reach = min(finer, default=0)
    for day in expected:
        entry = states.get(day.start)
        if entry is None:
            yield Hole(*_span(day), MISSING, GONE if day.end <= reach else "")
        elif entry.state != DONE:
            yield Hole(*_span(day), entry.state, entry.reason)


def _span(day: Period) -> tuple[int, int]:
    return day.start, day.end
