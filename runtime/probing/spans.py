"""When windows of local time are open, in UTC.

A time is inside a window if the clocks of its zone show it so. Where clocks are set
forward there are no such times, where they are set back they come twice, and a day that
a zone leaves out is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from runtime.probing.jobs import WEEKDAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runtime.probing.jobs import Window

DAY: Final = 86_400_000
"""Milliseconds of a day."""

_STEP: Final = DAY // 2
"""No zone has changed its clocks twice within so short a time since 1970."""

_EPOCH: Final = date(1970, 1, 1)
_EPOCH_WEEKDAY: Final = _EPOCH.weekday()


class Span(NamedTuple):
    """Time from `start` up to, and without, `end`; UTC milliseconds."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class OpenDays:
    """A window in numbers: days are counted since 1970, times in milliseconds.

    `start` and `end` are reckoned from the beginning of the day on which the window
    begins; `end` is up to two days later.
    """

    zone: str
    weekdays: frozenset[int]
    start: int
    end: int
    not_on: frozenset[int]

    @classmethod
    def of(cls, window: Window) -> OpenDays:
        """Return a window of the settings in numbers."""
        start, end = _milliseconds(window.start), _milliseconds(window.end)
        return cls(
            zone=window.zone,
            weekdays=frozenset(map(WEEKDAYS.index, window.days)),
            start=start,
            end=end if end > start else end + DAY,
            not_on=frozenset(
                (date.fromisoformat(day) - _EPOCH).days for day in window.not_on
            ),
        )

    def begins_on(self, day: int) -> bool:
        """Return whether the window begins on a day."""
        weekday = (day + _EPOCH_WEEKDAY) % 7
        return weekday in self.weekdays and day not in self.not_on

    def within(self, local: Span) -> Iterator[Span]:
        """Yield when the window is open within a span of what clocks show."""
        for day in range(local.start // DAY - 2, -(-local.end // DAY)):
            if self.begins_on(day):
                start = max(day * DAY + self.start, local.start)
                end = min(day * DAY + self.end, local.end)
                if start < end:
                    yield Span(start, end)


def open_spans(windows: Sequence[OpenDays], start: int, end: int) -> Iterator[Span]:
    """Yield when at least one window is open within `[start, end)`, in order.

    Spans neither overlap nor touch, but where a day of UTC begins.
    """
    at = start
    while at < end:
        chunk = Span(at, min((at // DAY + 1) * DAY, end))
        yield from _merged(
            span for window in windows for span in _open_within(window, chunk)
        )
        at = chunk.end


def is_open(windows: Sequence[OpenDays], at: int) -> bool:
    """Return whether at least one window is open at a time."""
    return any(True for _ in open_spans(windows, at, at + 1))


def _open_within(window: OpenDays, span: Span) -> Iterator[Span]:
    for start, end, offset in _stretches(window.zone, span):
        for local in window.within(Span(start + offset, end + offset)):
            yield Span(local.start - offset, local.end - offset)


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    waiting: Span | None = None
    for span in sorted(spans):
        if waiting is None:
            waiting = span
        elif span.start <= waiting.end:
            waiting = Span(waiting.start, max(waiting.end, span.end))
        else:
            yield waiting
            waiting = span
    if waiting is not None:
        yield waiting


def _stretches(zone: str, span: Span) -> Iterator[tuple[int, int, int]]:
    """Yield start, end and offset of the parts in which a zone's clocks just run."""
    start = span.start
    while start < span.end:
        offset = _offset(zone, start)
        end = min(start + _STEP, span.end)
        if _offset(zone, end - 1) != offset:
            end = _change(zone, start, end - 1)
        yield start, end, offset
        start = end


def _change(zone: str, before: int, after: int) -> int:
    """Return when the offset of the first time ends that the last has no more."""
    offset = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: str, at: int) -> int:
    """Return how far ahead of UTC a zone's clocks are, in milliseconds."""
    # From whole seconds, since fractions of a float round up to the next second.
    local = datetime.fromtimestamp(at // 1000, UTC).astimezone(ZoneInfo(zone))
    ahead = local.utcoffset()
    assert ahead is not None  # noqa: S101 - an aware time has one
    return round(ahead.total_seconds() * 1000)


def _milliseconds(time_of_day: str) -> int:
    hours, minutes, *seconds = map(int, time_of_day.split(":"))
    return ((hours * 60 + minutes) * 60 + sum(seconds)) * 1000
