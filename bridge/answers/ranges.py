"""Two ranges of time that are compared: this one, and an earlier one like it.

Without a calendar both are equally long to the second, and windows of UTC face each
other at the same distance from the start. In a calendar both are as many whole local
days, and the first faces the first: clocks make days of 23, 24 and 25 hours, and a day
is compared with a day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from bridge.answers.calendars import Frame, read_frame
from bridge.answers.errors import QuestionError
from bridge.answers.resolution import Choice, choose
from bridge.answers.times import Span, Stretch, format_time, is_written, read_span
from bridge.rollup.days.calendars import UTC_NAME, Calendar, Period, Unit
from bridge.rollup.windows import Resolution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.answers.resolution import Extents
    from models.database import Database

PeriodName: TypeAlias = Literal["hour", "day", "week"]
CompareTo: TypeAlias = Literal["yesterday", "last_week"]

_DAY: Final = 86400
_LENGTHS: Final = {"hour": 3600, "day": _DAY, "week": 7 * _DAY}
_RESOLUTIONS: Final = {
    "hour": Resolution.MINUTE,
    "day": Resolution.MINUTE,
    "week": Resolution.HOUR,
}
_MOST_DAYS: Final = 100_000
"""Days of a calendar in a range; more are refused before any is looked at."""
_DAYS_BACK: Final = {"yesterday": 1, "last_week": 7}
_AGAINST: Final = ("against_start", "against_end")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be compared, as it was asked; None is what was left out."""

    period: PeriodName | None = None
    compare_to: CompareTo | None = None
    start: str | None = None
    end: str | None = None
    against_start: str | None = None
    against_end: str | None = None
    resolution: Resolution | None = None
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One of two ranges: windows of UTC, or days of a calendar, that face the other's.

    `stretch` spans all of them; of days its resolution says nothing.
    """

    stretch: Stretch
    periods: tuple[Period, ...] = ()

    @property
    def starts(self) -> Sequence[int]:
        """The starts of its windows, oldest first."""
        if self.periods:
            return [period.start for period in self.periods]
        return self.stretch.starts

    @property
    def ends(self) -> Sequence[int]:
        """The ends of its windows, oldest first."""
        return [*self.starts[1:], self.stretch.end]


@dataclass(frozen=True, slots=True)
class Ranges:
    """This range, the one before, and in which windows they are compared and why."""

    current: Side
    before: Side
    choice: Choice
    frame: Frame | None = None

    @property
    def calendar(self) -> Calendar:
        """By whose days it is compared."""
        return Calendar.utc() if self.frame is None else self.frame.calendar


def read_ranges(
    db: Database, wish: Wish, extents: Sequence[Extents], now: float, closed: float
) -> Ranges:
    """Return what a wish means; raise QuestionError where it means nothing.

    A period ends with the newest window that has closed, so that none of it is missing
    yet; `closed` is until when they have.
    """
    _refuse_both(wish)
    try:
        ranges = _read(db, wish, extents, now, closed)
    except OverflowError:
        raise _outside(wish) from None
    for side in (ranges.current, ranges.before):
        if not all(map(is_written, side.stretch.bounds)):
            raise _outside(wish)
    return ranges


def _read(
    db: Database, wish: Wish, extents: Sequence[Extents], now: float, closed: float
) -> Ranges:
    if wish.calendar is not None:
        return _of_calendar(db, wish, now, closed)
    if wish.start is None and wish.end is None:
        current, choice = _period(wish, extents, now, closed)
    else:
        current, choice = read_span(wish.start, wish.end, now), None
    against = _against(wish, current, now)
    apart = current.start - against.start
    if choice is None or _is_cut(apart, choice.resolution):
        choice = _choice(wish, extents, current, against)
    return Ranges(
        Side(current.outward(choice.resolution)),
        Side(against.outward(choice.resolution)),
        choice,
    )


def _outside(wish: Wish) -> QuestionError:
    return QuestionError(
        "against_start" if wish.against_start else "start",
        "the ranges are not within the years 1 to 9999",
    )


def _refuse_both(wish: Wish) -> None:
    if wish.period is not None and (wish.start is not None or wish.end is not None):
        raise QuestionError("period", "period and start or end exclude each other")
    against = wish.against_start is not None or wish.against_end is not None
    if wish.compare_to is not None and against:
        raise QuestionError(
            "compare_to",
            "compare_to and against_start or against_end exclude each other",
        )


def _period(
    wish: Wish, extents: Sequence[Extents], now: float, closed: float
) -> tuple[Span, Choice | None]:
    name = wish.period or "day"
    length = _LENGTHS[name]
    resolution = wish.resolution or _RESOLUTIONS[name]
    end = resolution.floor(math.floor(closed))
    if length % resolution.width:
        raise QuestionError(
            "resolution", f"{name} is no whole number of {resolution.value}s"
        )
    span = Span(end - length, end)
    if wish.resolution is not None:
        return span, Choice(resolution, "asked for")
    before = Span(span.start - 7 * _DAY, span.end - 7 * _DAY)
    if wish.against_start is not None:
        before = _against(wish, span, now)
    chosen = _coarser(choose(span, extents), choose(before, extents))
    if chosen.resolution.width <= resolution.width:
        return span, Choice(resolution, f"usual for a {name}")
    end = chosen.resolution.floor(math.floor(closed))
    return Span(end - max(length, chosen.resolution.width), end), chosen


def _against(wish: Wish, current: Span, now: float) -> Span:
    length = current.end - current.start
    if wish.against_start is None and wish.against_end is None:
        back = _DAYS_BACK[wish.compare_to or "yesterday"] * _DAY
        return Span(current.start - back, current.end - back)
    if wish.against_start is None:
        raise QuestionError("against_start", "against_end needs against_start")
    if wish.against_end is None:
        start = read_span(wish.against_start, "9999-12-31T00:00:00Z", now).start
        return Span(start, start + length)
    against = read_span(wish.against_start, wish.against_end, now, names=_AGAINST)
    if against.end - against.start != length:
        raise QuestionError(
            "against_end",
            f"the ranges are not equally long: {length:g} and "
            f"{against.end - against.start:g} seconds",
        )
    return against


def _choice(
    wish: Wish, extents: Sequence[Extents], current: Span, against: Span
) -> Choice:
    apart = current.start - against.start
    if _is_cut(apart, Resolution.MINUTE):
        raise QuestionError(
            "against_start" if wish.against_start else "start",
            f"the ranges begin {apart:g} seconds apart, which is no whole number of "
            "minutes",
        )
    if wish.resolution is not None:
        if _is_cut(apart, wish.resolution):
            raise QuestionError(
                "resolution",
                f"the ranges begin {apart:g} seconds apart, which is no whole number "
                f"of {wish.resolution.value}s",
            )
        return Choice(wish.resolution, "asked for")
    chosen = _coarser(choose(current, extents), choose(against, extents))
    fitting = [
        one
        for one in Resolution
        if one.width <= chosen.resolution.width and not _is_cut(apart, one)
    ]
    best = max(fitting, key=lambda one: one.width)
    if best is chosen.resolution:
        return chosen
    return Choice(best, f"coarsest whose windows fit ranges {apart:g} seconds apart")


def _coarser(one: Choice, other: Choice) -> Choice:
    return one if one.resolution.width >= other.resolution.width else other


def _is_cut(seconds: float, resolution: Resolution) -> bool:
    return seconds % resolution.width != 0


def _of_calendar(db: Database, wish: Wish, now: float, closed: float) -> Ranges:
    if wish.resolution not in {None, Resolution.DAY}:
        raise QuestionError(
            "resolution", "in a calendar whole days are compared; leave resolution out"
        )
    frame = _frame(db, wish, Span(now - _DAY, now))
    if wish.start is None and wish.end is None:
        current = _days_of_period(frame.calendar, wish, closed)
    else:
        span = read_span(wish.start, wish.end, now)
        _refuse_many(span, "start")
        current = frame.periods(span)
    if wish.against_start is None:
        if wish.against_end is not None:
            raise QuestionError("against_start", "against_end needs against_start")
        before = _shifted(frame.calendar, current, wish.compare_to or "yesterday")
    else:
        before = _days_against(frame, wish, current, now)
    reason = f"whole days of {frame.calendar.name}"
    return Ranges(_days(current), _days(before), Choice(Resolution.DAY, reason), frame)


def _frame(db: Database, wish: Wish, span: Span) -> Frame:
    if wish.calendar == UTC_NAME:
        return Frame(Calendar.utc(), Unit.DAY)
    found = read_frame(db, Unit.DAY.value, wish.calendar, span)
    assert found is not None  # noqa: S101 - only UTC has none
    return found


def _days_of_period(calendar: Calendar, wish: Wish, closed: float) -> list[Period]:
    """Return the newest day, or the newest seven, that have closed as a whole."""
    if wish.period == "hour":
        raise QuestionError("period", "in a calendar whole days are compared")
    count = 7 if wish.period == "week" else 1
    # Twice as many and more, as clocks may have taken a day out.
    begin = math.floor(closed) - (2 * count + 2) * _DAY
    days = calendar.within(begin, math.floor(closed))
    return [day for day in days if day.end <= closed][-count:]


def _refuse_many(span: Span, parameter: str) -> None:
    if span.end - span.start > _MOST_DAYS * _DAY:
        raise QuestionError(parameter, f"the range has more than {_MOST_DAYS} days")


def _shifted(
    calendar: Calendar, days: Sequence[Period], compare_to: CompareTo
) -> list[Period]:
    back = timedelta(days=_DAYS_BACK[compare_to])
    return [calendar.day(day.first - back) for day in days]


def _days_against(
    frame: Frame, wish: Wish, current: Sequence[Period], now: float
) -> list[Period]:
    if wish.against_end is None:
        start = read_span(wish.against_start, "9999-12-31T00:00:00Z", now).start
        first = frame.calendar.holding(math.floor(start))
        return [
            frame.calendar.day(first.first + timedelta(days=at))
            for at in range(len(current))
        ]
    span = read_span(wish.against_start, wish.against_end, now, names=_AGAINST)
    _refuse_many(span, "against_start")
    found = frame.periods(span)
    if len(found) != len(current):
        raise QuestionError(
            "against_end",
            f"the ranges are not equally long: {len(current)} and {len(found)} days "
            f"of {frame.calendar.name}",
        )
    return found


def _days(days: Sequence[Period]) -> Side:
    stretch = Stretch(Resolution.DAY, days[0].start, days[-1].end)
    return Side(stretch, tuple(days))


def told(side: Side) -> dict[str, object]:
    """Return a range as it is told."""
    start, end = side.stretch.bounds
    return {
        "start": start,
        "end": end,
        "from": format_time(start),
        "to": format_time(end),
    }
