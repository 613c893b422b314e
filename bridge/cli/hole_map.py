"""The map of holes as text: a character for each window, or for several in a row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from bridge.answers.times import format_time
from bridge.rollup.days.calendars import UTC_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bridge.answers.coverage import Coverage

WIDTH: Final = 72
"""Characters of a line, so that it fits a terminal of 80."""

SIGNS: Final = {
    "lost": "L",
    "missing": "M",
    "dirty": "d",
    "open": "o",
    "partial": "p",
    "expired": "x",
    "done": "=",
}
"""Worst first: where a character stands for several windows it tells the worst."""

_BEFORE: Final = "."
_AHEAD: Final = " "
_UNTOLD: Final = "?"

LEGEND: Final = (
    "= done  p partial  d to be done again  o asked for  L lost  M missing\n"
    "x deleted by age  . before the first window  ? more holes than are told apart\n"
    "blank: not over yet"
)

Cell = tuple[int, int]
"""`[start, end)`, UTC seconds."""


def name_of(one: Coverage) -> str:
    """Return what the ledger calls the windows."""
    unit = one.resolution.value
    return unit if one.calendar == UTC_NAME else f"{unit}@{one.calendar}"


def lines(one: Coverage, days: Sequence[Cell] = ()) -> Iterator[str]:
    """Yield a heading and the map of one coverage; `days` are those of a calendar."""
    each, cells = _cells(one, days)
    some = f"{each} windows" if each > 1 else "one window"
    yield (
        f"{one.source} {name_of(one)}, {format_time(one.start)} to "
        f"{format_time(one.end)}, {some} a character"
    )
    yield f"  |{''.join(_signs(one, cells))}|"
    if one.whole is not None:
        yield (
            f"  before {format_time(one.whole)} series that are kept for a shorter "
            "time are gone"
        )


def _cells(one: Coverage, days: Sequence[Cell]) -> tuple[int, list[Cell]]:
    """Return how many windows a character stands for, and the spans of all."""
    width = one.resolution.width
    windows = len(days) or (one.end - one.start) // width
    each = max(1, math.ceil(windows / WIDTH))
    if days:
        return each, [
            (days[at][0], days[min(at + each, windows) - 1][1])
            for at in range(0, windows, each)
        ]
    step = each * width
    return each, [
        (start, min(start + step, one.end)) for start in range(one.start, one.end, step)
    ]


def _signs(one: Coverage, cells: Sequence[Cell]) -> Iterator[str]:
    ranks = {state: at for at, state in enumerate(SIGNS)}
    told = one.holes[-1].end if one.truncated else None
    first = 0
    for start, end in cells:
        while first < len(one.holes) and one.holes[first].end <= start:
            first += 1
        here = []
        for hole in one.holes[first:]:
            if hole.start >= end:
                break
            here.append(hole.state)
        if here:
            yield SIGNS[min(here, key=ranks.__getitem__)]
        elif told is not None and end > told:
            yield _UNTOLD
        elif end <= one.counts.start:
            yield _BEFORE
        else:
            yield SIGNS["done"] if start < one.counts.end else _AHEAD
