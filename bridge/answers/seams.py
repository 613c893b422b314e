"""What stands in for windows that are not merged yet: the finer rows that are there.

An hour or a day is in the ledger once it has been merged. Until then, because it still
goes on or because a part of it is late, its rows are merged for the answer alone, from
those of the finer windows, and it is called open (RULES R10, R78). The seam is where
the ledger says it is: a window either has its row or is merged here, so that nothing is
left out and nothing is counted twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.answers.times import Stretch
from bridge.rollup.commit import TABLES
from bridge.rollup.merge import merge
from bridge.rollup.rows import Rows
from bridge.rollup.windows import Resolution
from models.queries import coverage as ledger
from models.queries.rollups import series_rows
from models.rollup import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from bridge.answers.resolution import Extents
    from bridge.rollup.rows import Ints
    from models.database import Database


@dataclass(frozen=True, slots=True)
class Seam:
    """Windows of one source without a row of their own, and what they are made from.

    `left_out` are windows that would be made from too many rows.
    """

    windows: tuple[int, ...] = ()
    parts: tuple[Stretch, ...] = ()
    left_out: int = 0

    @property
    def rows(self) -> int:
        """How many rows a series has in the parts at most."""
        return sum(part.windows for part in self.parts)


class Ledger:
    """What the ledger of one source holds, as far as seams need it."""

    def __init__(self, db: Database, source: str, extents: Extents) -> None:
        self._db = db
        self._source = source
        self._extents = extents

    def seam(self, stretch: Stretch, most: int, *, holes: bool) -> Seam:
        """Return what stands in for the windows of a stretch that are not merged.

        At most `most` rows of a series are read, those of the newest windows; `holes`
        says that windows are missing between others, too.
        """
        windows: list[int] = []
        parts: list[Stretch] = []
        left = most
        left_out = 0
        for gap in reversed(list(self._gaps(stretch, holes=holes))):
            for start in reversed(gap.starts):
                made = list(
                    self.parts(
                        Stretch(gap.resolution, start, start + gap.resolution.width)
                    )
                )
                left -= sum(part.windows for part in made)
                if left < 0:
                    left_out += 1
                    continue
                windows.append(start)
                parts += made
        return Seam(tuple(sorted(windows)), tuple(parts), left_out)

    def parts(self, gap: Stretch) -> Iterator[Stretch]:
        """Yield the finer windows that are there of windows that are not."""
        finer = gap.resolution.finer
        if finer is not None:
            yield from self.windows(Stretch(finer, gap.start, gap.end))

    def windows(self, stretch: Stretch) -> Iterator[Stretch]:
        """Yield a stretch, finer windows standing in for those that are not there."""
        finer = stretch.resolution
        inside = self._recorded(stretch)
        if finer is Resolution.MINUTE:
            if inside.windows:
                yield inside
            return
        begin = inside.start
        for missing in self._gaps(inside, holes=True):
            if begin < missing.start:
                yield Stretch(finer, begin, missing.start)
            yield from self.parts(missing)
            begin = missing.end
        if begin < inside.end:
            yield Stretch(finer, begin, inside.end)

    def _gaps(self, stretch: Stretch, *, holes: bool) -> Iterator[Stretch]:
        """Yield the parts of a stretch that have finer windows and none of their own.

        Asks the database only where there may be some.
        """
        resolution = stretch.resolution
        inside = self._recorded(stretch)
        if resolution is Resolution.MINUTE or not inside.windows:
            return
        own = self._extents.get(resolution)
        if own is None:
            yield inside
            return
        end = own.newest + resolution.width
        if not holes and own.oldest <= inside.start and inside.end <= end:
            return
        found = ledger.gaps(
            self._db,
            self._source,
            resolution.value,
            *inside.bounds,
            width=resolution.width,
        )
        for low, high in found:
            yield Stretch(resolution, low, high)

    def _recorded(self, stretch: Stretch) -> Stretch:
        """Return the windows of a stretch in which anything was recorded."""
        resolution = stretch.resolution
        known = [
            extent
            for each, extent in self._extents.items()
            if each.width <= resolution.width
        ]
        minutes = self._extents.get(Resolution.MINUTE)
        if not known or minutes is None:
            return stretch.newest(0)
        oldest = resolution.floor(min(extent.oldest for extent in known))
        end = -resolution.floor(-(minutes.newest + Resolution.MINUTE.width))
        return stretch.within(oldest, max(oldest, end))


def find_seams(
    db: Database,
    stretch: Stretch,
    extents: Mapping[str, Extents],
    most: Mapping[str, int],
    *,
    with_holes: Collection[str],
) -> dict[str, Seam]:
    """Return by source what stands in for windows that are not merged yet.

    `most` are the rows that are read of a series at most; the sources `with_holes` lack
    windows between others, too.
    """
    return {
        source: Ledger(db, source, extent).seam(
            stretch, most[source], holes=source in with_holes
        )
        for source, extent in extents.items()
    }


def left_out(seams: Mapping[str, Seam], stretch: Stretch) -> Iterator[str]:
    """Yield what to say of windows that would be made from too many rows."""
    for source, seam in seams.items():
        if seam.left_out:
            yield (
                f"{seam.left_out} {stretch.resolution.value}s of {source} are not "
                "merged yet and would be made from too many rows: they are left out"
            )


def read_open(db: Database, seam: Seam, ids: Ints, resolution: Resolution) -> Rows:
    """Return the rows that a seam's windows would have, of some series."""
    held: dict[Resolution, list[Rows]] = {}
    for part, rows in read_parts(db, seam.parts, ids):
        held.setdefault(part.resolution, []).append(rows)
    merged: list[Rows] = []
    for finer in (each for each in Resolution if each.width < resolution.width):
        merged = [merge([*merged, *held.get(finer, [])], _coarser(finer), finer)]
    rows = Rows.join(merged)
    return rows.take(np.isin(rows.start, np.array(seam.windows, np.int64)))


def _coarser(resolution: Resolution) -> Resolution:
    coarser = resolution.coarser
    assert coarser is not None  # noqa: S101 - days are made into no window of UTC
    return coarser


def read_parts(
    db: Database, parts: Sequence[Stretch], ids: Ints
) -> Iterator[tuple[Stretch, Rows]]:
    """Yield the rows of some series in parts, neighbours read at once."""
    for part in _joined(parts):
        found = series_rows(db, TABLES[part.resolution], ids, *part.bounds)
        yield part, Rows(**{name: getattr(found, name) for name in COLUMNS})


def _joined(parts: Sequence[Stretch]) -> Iterator[Stretch]:
    joined: Stretch | None = None
    for part in sorted(parts, key=lambda one: (one.resolution.width, one.start)):
        if joined is None:
            joined = part
        elif (joined.resolution, joined.end) == (part.resolution, part.start):
            joined = Stretch(part.resolution, joined.start, part.end)
        else:
            yield joined
            joined = part
    if joined is not None:
        yield joined
