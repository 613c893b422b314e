"""Compares rows that stand with rows that are computed once more; pure.

What a source expects of a series is its own word of the day and is not compared, nor
is the end of a series: a marker of it may come minutes later than it is dated, where a
target is no longer scraped, and not every transport tells of it (R11, R12). Sums
of the same samples in the same order are the same to the last bit; only a row that a
correction changed without the samples may differ by rounding, in the last places of
the counter's values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bridge.rollup.compare import EVERYTHING, FLOATS, compare
from bridge.rollup.rows import Flag

if TYPE_CHECKING:
    from bridge.rollup.compare import Pairs
    from bridge.rollup.rows import Bools, Ints
    from models.rollup import RollupColumns

SAME: Final = "same"
DIFFERS: Final = "differs"
LATE: Final = "late"
AGED: Final = "aged"
WARNED: Final = "warned"
FAILED: Final = "failed"
OUTCOMES: Final = (SAME, DIFFERS, LATE, AGED, WARNED, FAILED)
"""What looking at a window again may bring."""

MISSING: Final = "missing"
EXTRA: Final = "extra"
ROW_OUTCOMES: Final = (SAME, DIFFERS, MISSING, EXTRA)

TOLD: Final = 20
"""Differences of a window that are told one by one."""

_COMPARED: Final = tuple(name for name in EVERYTHING if name != "expected")
_ROUNDING: Final = 2.0**-49
"""Some units in the last place of the values between which steps are measured."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not what it should be: columns as (stored, computed)."""

    series_id: int
    outcome: str
    columns: dict[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Compared:
    """How the rows of a window compare; `told` are some of the differences."""

    rows: dict[str, int]
    told: tuple[Difference, ...]

    @property
    def series(self) -> int:
        """How many series were compared."""
        return sum(self.rows.values())

    @property
    def differing(self) -> int:
        """How many rows are not what they should be."""
        return self.series - self.rows[SAME]


def verify(
    stored: RollupColumns, computed: RollupColumns, told: int = TOLD
) -> Compared:
    """Compare the rows of a window, in any order, with what they should be."""
    pairs = _forgiven(
        compare(stored, computed, (*_COMPARED, "expected")), stored, computed
    )
    differing = pairs.differing
    rows = {
        DIFFERS: int((pairs.changed & ~pairs.gone & ~pairs.added).sum()),
        # What stands and should not, and what should stand and does not.
        EXTRA: int(pairs.gone.sum()),
        MISSING: int(pairs.added.sum()),
    }
    rows[SAME] = len(pairs.series_id) - sum(rows.values())
    return Compared(
        rows,
        tuple(_told(pairs, int(at), stored, computed) for at in differing[:told]),
    )


def _forgiven(pairs: Pairs, stored: RollupColumns, computed: RollupColumns) -> Pairs:
    """Take out what is no difference."""
    columns = dict(pairs.columns)
    expected = columns.pop("expected")
    # How long is too long without a sample depends on how many are expected.
    columns["gap"] &= ~expected
    at = columns["increase"]
    if at.any():
        at &= ~_rounded(stored, computed, pairs.old, pairs.new)
    at = columns["flags"]
    if at.any():
        before, after = stored.flags[pairs.old[at]], computed.flags[pairs.new[at]]
        at[at] = ((before ^ after) & ~int(Flag.ENDED)) != 0
    return type(pairs)(pairs.series_id, pairs.old, pairs.new, columns)


def _rounded(
    stored: RollupColumns, computed: RollupColumns, old: Ints, new: Ints
) -> Bools:
    both = (old >= 0) & (new >= 0)
    near = np.zeros(len(old), np.bool_)
    before, after = stored.increase[old[both]], computed.increase[new[both]]
    size = np.maximum(np.abs(stored.last[old[both]]), np.abs(stored.first[old[both]]))
    with np.errstate(invalid="ignore"):
        near[both] = np.abs(before - after) <= _ROUNDING * np.fmax(size, np.abs(after))
    return near


def _told(
    pairs: Pairs, at: int, stored: RollupColumns, computed: RollupColumns
) -> Difference:
    series_id = int(pairs.series_id[at])
    if pairs.gone[at]:
        return Difference(series_id, EXTRA, {})
    if pairs.added[at]:
        return Difference(series_id, MISSING, {})
    names = [name for name, marks in pairs.columns.items() if marks[at]]
    old, new = int(pairs.old[at]), int(pairs.new[at])
    columns = {
        name: (_plain(stored, name, old), _plain(computed, name, new)) for name in names
    }
    return Difference(series_id, DIFFERS, columns)


def _plain(rows: RollupColumns, name: str, place: int) -> Any:
    value = getattr(rows, name)[place]
    if name == "buckets":
        return None if value is None else f"{len(value)} bytes"
    value = value.item()
    if name in FLOATS and not np.isfinite(value):
        return None if np.isnan(value) else f"{value:+}".replace("inf", "Inf")
    return value
