"""Calendars: the days, weeks and months of a time zone as spans of UTC time.

A local day is `[start, end)` in UTC seconds, named by its calendar and its date. It
begins with the first second at which the zone's clocks show its date or a later one, so
that days follow each other without gap or overlap whatever clocks do: days of 23, 24,
25, 23.5 and 24.5 hours, days without a midnight or with two of them, and days of no
length at all (RULES R5). Nothing here asks the system for a zone or the time.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final, Self

from bridge.rollup.windows import Bounds, Resolution

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

UTC_NAME: Final = "utc"
"""The name of the calendar whose days are those of the tables by UTC."""

_DAY: Final = 86400
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FIRST: Final = _EPOCH
_LAST: Final = date(2100, 1, 1).toordinal()
_UNIQUE_DAYS: Final = 3
"""Clocks are never further from UTC than this many days less one."""


class Unit(Enum):
    """What a calendar divides time into."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A local day, week or month: `[start, end)` in UTC seconds, and its first date."""

    start: int
    end: int
    first: date

    @property
    def bounds(self) -> Bounds:
        """The span of it."""
        return Bounds(self.start, self.end)

    @property
    def name(self) -> str:
        """The first local date, as in ISO 8601."""
        return self.first.isoformat()

    @property
    def built_from(self) -> Resolution | None:
        """The coarsest resolution none of whose windows the borders cut (RULES R6).

        Hours where both ends are on a full hour of UTC, minutes for zones such as
        Asia/Kathmandu, and None where a border is within a minute, as it was in times
        of local mean time.
        """
        for resolution in (Resolution.HOUR, Resolution.MINUTE):
            if not (self.start % resolution.width or self.end % resolution.width):
                return resolution
        return None


@dataclass(frozen=True, slots=True)
class Rules:
    """When the days of a zone begin: what is left of a zone once it is known.

    `shifts` are by how many seconds the days since `ordinals` begin after midnight
    UTC; both are equally long and rise. Days before the first and after the last are
    like those.
    """

    ordinals: tuple[int, ...]
    shifts: tuple[int, ...]

    @classmethod
    def of(cls, zone: tzinfo) -> Self:
        """Read the rules of a zone for the years 1970 to 2099."""
        ordinals: list[int] = []
        shifts: list[int] = []
        for ordinal in range(_FIRST, _LAST + 1):
            shift = _start(ordinal, zone) - (ordinal - _EPOCH) * _DAY
            if not shifts or shift != shifts[-1]:
                ordinals.append(ordinal)
                shifts.append(shift)
        return cls(tuple(ordinals), tuple(shifts))

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `str` wrote; raise ValueError for anything else."""
        pairs = [part.split(" ") for part in text.split(", ")]
        return cls(
            tuple(date.fromisoformat(day).toordinal() for day, _ in pairs),
            tuple(int(shift) for _, shift in pairs),
        )

    def __str__(self) -> str:
        return ", ".join(
            f"{date.fromordinal(ordinal).isoformat()} {shift}"
            for ordinal, shift in zip(self.ordinals, self.shifts, strict=True)
        )

    def start(self, ordinal: int) -> int:
        """Return the first second of a day by its number as in `date.toordinal`."""
        place = max(bisect_right(self.ordinals, ordinal) - 1, 0)
        return (ordinal - _EPOCH) * _DAY + self.shifts[place]


@dataclass(frozen=True, slots=True)
class Calendar:
    """A named way to divide time into days, weeks and months."""

    name: str
    rules: Rules

    @classmethod
    def utc(cls) -> Self:
        """Return the calendar of UTC."""
        return cls(UTC_NAME, Rules((_FIRST,), (0,)))

    @property
    def resolution(self) -> str:
        """What the ledger calls its days."""
        return Unit.DAY.value if self.name == UTC_NAME else day_of(self.name)

    def day(self, of: date) -> Period:
        """Return a day by its date; it may have no length."""
        return self._period(of.toordinal(), of.toordinal() + 1)

    def holding(self, second: int, unit: Unit = Unit.DAY) -> Period:
        """Return the day, week or month in which a second is."""
        ordinal = _EPOCH + second // _DAY + _UNIQUE_DAYS
        while self.rules.start(ordinal) > second:
            ordinal -= 1
        first = _first(date.fromordinal(ordinal), unit)
        return self._period(first.toordinal(), _next(first, unit).toordinal())

    def within(self, start: int, end: int, unit: Unit = Unit.DAY) -> Iterator[Period]:
        """Yield the days, weeks or months that overlap `[start, end)`, oldest first.

        Days of no length are left out: nothing happened on them.
        """
        if start >= end:
            return
        period = self.holding(start, unit)
        while period.start < end:
            if period.end > start and period.end > period.start:
                yield period
            first = _next(period.first, unit)
            period = self._period(first.toordinal(), _next(first, unit).toordinal())

    def changed(self, before: Rules, start: int, end: int) -> list[Period]:
        """Return the days of `[start, end)` by other rules that are no days here."""
        mine = {(day.start, day.end) for day in self.within(start - _DAY, end + _DAY)}
        theirs = Calendar(self.name, before).within(start, end)
        return [day for day in theirs if (day.start, day.end) not in mine]

    def _period(self, first: int, following: int) -> Period:
        start, end = self.rules.start(first), self.rules.start(following)
        return Period(start, end, date.fromordinal(first))


def day_of(name: str) -> str:
    """Return what the ledger calls the days of a calendar."""
    return f"{Unit.DAY.value}@{name}"


def _first(day: date, unit: Unit) -> date:
    """Return the first date of the week (Monday, ISO 8601) or month (RULES R7)."""
    if unit is Unit.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit is Unit.MONTH else day


def _next(first: date, unit: Unit) -> date:
    if unit is Unit.MONTH:
        return _first(first + timedelta(days=31), Unit.MONTH)
    return first + timedelta(days=7 if unit is Unit.WEEK else 1)


def _start(ordinal: int, zone: tzinfo) -> int:
    """Return the first second at which clocks show a date or a later one."""
    midnight = datetime.fromordinal(ordinal).replace(tzinfo=zone)
    early = _seconds(midnight)
    other = _seconds(midnight.replace(fold=1))
    if early <= other:
        return early  # there is one midnight, or the first of two
    # Clocks jumped over midnight between the two, perhaps from before it.
    while early - other > 1:
        middle = (early + other) // 2
        shown = datetime.fromtimestamp(middle, zone).toordinal()
        early, other = (middle, other) if shown >= ordinal else (early, middle)
    return early


def _seconds(moment: datetime) -> int:
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(seconds=1)
