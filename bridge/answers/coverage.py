"""How much of a span of time is done, and what is not and why: the map of holes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bridge.answers.resolution import Extent, Extents
from bridge.answers.times import format_time
from bridge.rollup.days.calendars import UTC_NAME
from bridge.rollup.windows import Resolution
from models.queries import coverage as ledger
from models.queries import ledger as entries_of
from models.queries import retained

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bridge.answers.times import Stretch
    from models.database import Database

SPANS: Final = 1000
"""Spans of windows that are not done which one answer tells apart."""

_LOOKED_AT: Final = 100_000

MISSING: Final = "missing"
"""The state of windows that the ledger does not know."""

EXPIRED: Final = "expired"
"""The state of windows that were deleted as they are older than people keep them."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Windows by state; `missing` are not in the ledger.

    Counted is `[start, end)`: from the oldest window that there is, as before it there
    is nothing to miss, to the last one that has closed: ended and settled.
    """

    start: int
    end: int
    windows: int
    done: int
    partial: int
    dirty: int
    open: int
    lost: int
    missing: int


@dataclass(frozen=True, slots=True)
class Hole:
    """Consecutive windows `[start, end)` that are not done for the same reason."""

    start: int
    end: int
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """One source at one resolution, or the days of a calendar.

    Asked for is `[start, end)`, in whole windows. `oldest` and `newest` are the starts
    of the first and last window in the whole ledger, None without any. Windows before
    `whole` lack series that are kept for a shorter time, None if none do. `holes` are
    the oldest first; `truncated` says that there are more than were looked for.
    """

    source: str
    resolution: Resolution
    calendar: str
    start: int
    end: int
    oldest: int | None
    newest: int | None
    whole: int | None
    counts: Counts
    holes: tuple[Hole, ...]
    truncated: bool


def read_extents(db: Database, source: str) -> Extents:
    """Return what the ledger holds of a source."""
    names = [resolution.value for resolution in Resolution]
    return {
        Resolution(name): Extent(*extent, retained.since(db, source, name))
        for name, extent in ledger.extents(db, source, names).items()
    }


def cover(db: Database, source: str, stretch: Stretch, closed: float) -> Coverage:
    """Return the coverage of a stretch of a source; `closed` as in `count_windows`."""
    extents = read_extents(db, source)
    counts = count_windows(db, source, stretch, closed, extents)
    counted = stretch.within(counts.start, counts.end)
    gone = expired(db, source, stretch.resolution.value, stretch.bounds)
    holes, truncated = _holes(db, source, counted)
    extent = extents.get(stretch.resolution)
    return Coverage(
        source=source,
        resolution=stretch.resolution,
        calendar=UTC_NAME,
        start=stretch.start,
        end=stretch.end,
        oldest=None if extent is None else extent.oldest,
        newest=None if extent is None else extent.newest,
        whole=_whole(extent),
        counts=counts,
        holes=(*gone, *holes)[:SPANS],
        truncated=truncated or len(gone) + len(holes) > SPANS,
    )


def expired(
    db: Database, source: str, resolution: str, bounds: tuple[int, int]
) -> list[Hole]:
    """Return the part of a span that retention keeps nothing of, at most one.

    `resolution` is as the ledger calls it. Windows of which some series are kept are
    in the ledger yet, and are none of these.
    """
    groups = retained.groups(db, source, resolution)
    oldest = entries_of.begin(db, source, resolution)
    since = min((one.since for one in groups.values()), default=bounds[0])
    until = min(since, bounds[1])
    if until <= bounds[0] or (oldest is not None and oldest < since):
        return []
    reason = f"kept since {format_time(since)} only"
    return [Hole(bounds[0], until, EXPIRED, reason)]


def count_windows(
    db: Database, source: str, stretch: Stretch, closed: float, extents: Extents
) -> Counts:
    """Count the windows of a stretch of a source by state.

    Windows that end until `closed` (UTC seconds: now less the time in which they
    settle) are expected to be there.
    """
    resolution = stretch.resolution
    until = resolution.floor(math.floor(closed))
    extent = extents.get(resolution)
    counted = stretch.within(until if extent is None else extent.oldest, until)
    states = ledger.counts(db, source, resolution.value, *counted.bounds)
    missing = counted.windows - sum(states.values())
    return Counts(*counted.bounds, counted.windows, **states, missing=missing)


def _whole(extent: Extent | None) -> int | None:
    """Return before which window others lack series, None if there are none."""
    if extent is None or extent.whole is None or extent.whole <= extent.oldest:
        return None
    return extent.whole


def _holes(
    db: Database, source: str, stretch: Stretch
) -> tuple[tuple[Hole, ...], bool]:
    if not stretch.windows:
        return (), False
    width, name = stretch.resolution.width, stretch.resolution.value
    gaps = ledger.gaps(db, source, name, *stretch.bounds, width=width)
    marked = ledger.unlike_done(db, source, name, *stretch.bounds, limit=_LOOKED_AT)
    spans = [Hole(first, last, MISSING, "") for first, last in gaps]
    spans += join([Hole(at, at + width, state, why) for at, state, why in marked])
    spans.sort(key=lambda hole: hole.start)
    return tuple(spans[:SPANS]), len(spans) > SPANS or len(marked) == _LOOKED_AT


def join(holes: Sequence[Hole]) -> Iterator[Hole]:
    """Join neighbours that are alike."""
    joined: Hole | None = None
    for hole in holes:
        if joined is None:
            joined = hole
        elif _continues(joined, hole):
            joined = replace(joined, end=hole.end)
        else:
            yield joined
            joined = hole
    if joined is not None:
        yield joined


def _continues(joined: Hole, hole: Hole) -> bool:
    return (joined.end, joined.state, joined.reason) == (
        hole.start,
        hole.state,
        hole.reason,
    )
