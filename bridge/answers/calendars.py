"""In which calendar a question is asked, and for what: local days, weeks and months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.answers.errors import QuestionError
from bridge.answers.resolution import AUTO, POINTS
from bridge.rollup.days.calendars import UTC_NAME, Calendar, Period, Rules, Unit
from models.queries.calendars import RETIRED, listed

if TYPE_CHECKING:
    from bridge.answers.times import Span
    from models.database import Database

_DAY: Final = 86400
_SECONDS: Final = {Unit.DAY: _DAY, Unit.WEEK: 7 * _DAY, Unit.MONTH: 30 * _DAY}


@dataclass(frozen=True, slots=True)
class Frame:
    """A unit of a calendar, why it was taken, and what is to be said of the calendar.

    `unit` is one of those that windows of UTC are not: local days, weeks and months.
    """

    calendar: Calendar
    unit: Unit
    reason: str = "asked for"
    notes: tuple[str, ...] = ()

    def periods(self, span: Span) -> list[Period]:
        """Return the periods that hold a span, oldest first."""
        start, end = int(span.start // 1), -int(-span.end // 1)
        return list(self.calendar.within(start, end, self.unit))


@dataclass(frozen=True, slots=True)
class Followed:
    """A calendar of the database, and whether it is kept or retired."""

    calendar: Calendar
    state: str


def read_followed(db: Database, calendar: str | None) -> list[Followed]:
    """Return the calendar of a name, none for utc, and all that are kept without one.

    Raises QuestionError for a calendar that there is not.
    """
    if calendar == UTC_NAME:
        return []
    if calendar is not None:
        _calendar(db, calendar)
    return [
        Followed(Calendar(one.name, Rules.read(one.rules)), one.state)
        for one in listed(db)
        if one.name == calendar or (calendar is None and one.state != RETIRED)
    ]


def read_frame(
    db: Database, resolution: str, calendar: str | None, span: Span
) -> Frame | None:
    """Read for which unit of which calendar is asked, None for windows of UTC.

    Raises QuestionError for a calendar that there is not, and for minutes and hours of
    one.
    """
    if calendar is None or calendar == UTC_NAME:
        unit = _unit(resolution)
        wanted = unit is not None and unit is not Unit.DAY
        return Frame(Calendar.utc(), unit) if wanted and unit else None
    here, notes = _calendar(db, calendar)
    if resolution == AUTO:
        unit = _readable(span)
        reason = f"finest of {calendar} with at most {POINTS} points"
        return Frame(here, unit, reason, notes)
    unit = _unit(resolution)
    if unit is None:
        raise QuestionError(
            "resolution",
            f"{resolution!r} is none of a calendar's; ask for day, week, month or "
            "auto, or leave calendar out",
        )
    return Frame(here, unit, notes=notes)


def _calendar(db: Database, name: str) -> tuple[Calendar, tuple[str, ...]]:
    known = {one.name: one for one in listed(db)}
    if name not in known:
        names = ", ".join([UTC_NAME, *known])
        raise QuestionError(
            "calendar",
            f"there is no calendar {name!r}; known are {names}, and others are made by "
            "calendars in config.yaml",
        )
    one = known[name]
    notes = (
        (f"the calendar {name} is no longer in config.yaml: its days stay as they are",)
        if one.state == RETIRED
        else ()
    )
    return Calendar(name, Rules.read(one.rules)), notes


def _unit(resolution: str) -> Unit | None:
    return next((unit for unit in Unit if unit.value == resolution), None)


def _readable(span: Span) -> Unit:
    seconds = span.end - span.start
    for unit in Unit:
        if seconds <= POINTS * _SECONDS[unit]:
            return unit
    return Unit.MONTH
