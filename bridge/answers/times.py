"""Points in time and spans of it, as people write them in questions.

A time is RFC 3339 (`2026-11-21T10:00:00Z`), Unix seconds (`1795255200`), `now`, or
relative to now (`-1h`, `now-7d`). A span is half-open, `[start, end)`, in UTC.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bridge.answers.errors import QuestionError
from runtime.quantities import parse_duration

if TYPE_CHECKING:
    from bridge.rollup.windows import Resolution

HOUR: Final = 3600.0
DAY: Final = 86400.0
_UNIX: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_RELATIVE: Final = re.compile(r"(?:now)?-(\d[\da-z.]*)")
_EARLIEST: Final = -62_135_596_800.0  # 0001-01-01, the first day datetime knows
_NAMES: Final = ("start", "end")
_LATEST: Final = 253_402_300_800.0  # 10000-01-01


@dataclass(frozen=True, slots=True)
class Span:
    """The time `[start, end)`, UTC seconds; raises QuestionError where it is empty."""

    start: float
    end: float

    def __post_init__(self) -> None:
        _check_order(self.start, self.end, _NAMES)

    def outward(self, resolution: Resolution) -> Stretch:
        """Return the shortest stretch of whole windows that holds this span."""
        start = resolution.floor(math.floor(self.start))
        return Stretch(resolution, start, -resolution.floor(math.floor(-self.end)))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole windows that follow each other: `[start, end)`, perhaps none."""

    resolution: Resolution
    start: int
    end: int

    @property
    def windows(self) -> int:
        """How many windows there are."""
        return (self.end - self.start) // self.resolution.width

    @property
    def starts(self) -> range:
        """The starts of the windows, UTC seconds."""
        return range(self.start, self.end, self.resolution.width)

    @property
    def bounds(self) -> tuple[int, int]:
        """Both ends, UTC seconds."""
        return self.start, self.end

    def newest(self, windows: int) -> Stretch:
        """Return the last so many windows."""
        start = max(self.start, self.end - windows * self.resolution.width)
        return replace(self, start=start)

    def within(self, start: int, end: int) -> Stretch:
        """Return what lies between two window starts."""
        end = min(self.end, end)
        return replace(self, start=min(max(self.start, start), end), end=end)


def read_span(
    start: str | None,
    end: str | None,
    now: float,
    length: float = HOUR,
    names: tuple[str, str] = _NAMES,
) -> Span:
    """Read both ends; without `end` it is now, without `start` `length` earlier.

    `names` are what the ends are called where they are written. Raises QuestionError.
    """
    until = now if end is None else read_time(end, now, names[1])
    since = until - length if start is None else read_time(start, now, names[0])
    _check_order(since, until, names)
    return Span(since, until)


def read_time(text: str, now: float, parameter: str) -> float:
    """Return the UTC seconds of a point in time; raise QuestionError if it is none."""
    text = text.strip()
    seconds = _read(text, now)
    if seconds is None:
        raise QuestionError(parameter, _explain(text))
    if not is_written(seconds):
        raise QuestionError(
            parameter,
            f"{text!r} is outside the years 1 to 9999; Unix times are in seconds",
        )
    return seconds


def is_written(seconds: float) -> bool:
    """Whether a time can be written: those of the years 1 to 9999 can."""
    return _EARLIEST <= seconds < _LATEST


def format_time(seconds: float) -> str:
    """Return RFC 3339 in UTC, with a fraction only where there is one."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat().replace("+00:00", "Z")


def _check_order(start: float, end: float, names: tuple[str, str]) -> None:
    if start >= end:
        raise QuestionError(
            names[0],
            f"{names[0]} ({format_time(start)}) is not before "
            f"{names[1]} ({format_time(end)})",
        )


def _read(text: str, now: float) -> float | None:
    if text == "now":
        return now
    if _UNIX.fullmatch(text):
        return float(text)
    if match := _RELATIVE.fullmatch(text):
        try:
            return now - parse_duration(match[1])
        except ValueError:
            return None
    return _read_rfc3339(text)


def _read_rfc3339(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()


def _explain(text: str) -> str:
    examples = "2026-11-21T10:00:00Z, 1795255200, -1h or now"
    if re.search(r"T.* \d\d:?\d\d$", text):
        return (
            f"{text!r} is not a time: write the + of a time zone as %2B in a URL, "
            "or use Z"
        )
    if re.fullmatch(r"\d{4}-\d\d-\d\d([T ][\d:.]+)?", text):
        return (
            f"{text!r} is not a time: it needs a clock time and a zone, as {examples}"
        )
    return f"{text!r} is not a time; write {examples}"
