"""Two versions of the rows of a window: which series differ, and in which columns.

Pure; rows are whatever has the columns of a rollup table as arrays.
"""

from __future__ import annotations

import base64
import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from models.rollup import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.rollup.rows import Bools, Ints
    from models.rollup import RollupColumns

FLOATS: Final = ("sum", "min", "max", "first", "last", "increase")
INTEGERS: Final = tuple(
    name for name in COLUMNS if name not in {"series_id", "start", "buckets", *FLOATS}
)
FIGURES: Final = (*FLOATS, *INTEGERS)
"""What a row says beside its buckets."""
EVERYTHING: Final = (*FIGURES, "buckets")

_NAMED: Final = {math.inf: "+Inf", -math.inf: "-Inf"}
_NUMBERS: Final = {name: value for value, name in _NAMED.items()}
_DIGEST: Final = 8


@dataclass(frozen=True, slots=True)
class Pairs:
    """The series of two versions, rising, and where their rows are; -1 for nowhere.

    `columns[name]` says of which series both versions have a row and differ there.
    """

    series_id: Ints
    old: Ints
    new: Ints
    columns: Mapping[str, Bools]

    @property
    def gone(self) -> Bools:
        """Which series have a row in the old version only."""
        return self.new < 0

    @property
    def added(self) -> Bools:
        """Which series have a row in the new version only."""
        return self.old < 0

    @property
    def changed(self) -> Bools:
        """Which series have another row than before."""
        differs = np.zeros(len(self.series_id), np.bool_)
        for marks in self.columns.values():
            differs |= marks
        return differs

    @property
    def differing(self) -> Ints:
        """The places of the series that are not the same in both versions."""
        return np.flatnonzero(self.changed | self.gone | self.added)


def compare(
    old: RollupColumns, new: RollupColumns, names: Sequence[str] = EVERYTHING
) -> Pairs:
    """Pair the rows of one window in two versions, each series once in each.

    NaN equals NaN; the sign of zero is no difference.
    """
    ids = np.union1d(old.series_id, new.series_id)
    at_old, at_new = _places(ids, old.series_id), _places(ids, new.series_id)
    both = (at_old >= 0) & (at_new >= 0)
    columns = {}
    for name in names:
        marks = np.zeros(len(ids), np.bool_)
        before = getattr(old, name)[at_old[both]]
        after = getattr(new, name)[at_new[both]]
        marks[both] = _unlike(before, after)
        columns[name] = marks
    return Pairs(ids, at_old, at_new, columns)


def written(rows: RollupColumns, place: int, *, whole: bool = False) -> str:
    """Return a row as JSON; its buckets as a digest, or `whole`, in base64."""
    facts: dict[str, Any] = {
        name: _number(getattr(rows, name)[place].item()) for name in FIGURES
    }
    blob = rows.buckets[place]
    if blob is not None:
        facts["digest"] = hashlib.blake2b(blob, digest_size=_DIGEST).hexdigest()
        if whole:
            facts["buckets"] = base64.b64encode(blob).decode()
    return orjson.dumps(facts).decode()


def read(text: str) -> dict[str, Any]:
    """Return the columns of a row that `written` wrote: NaN for NULL.

    `buckets` is there only if it was written whole, or if there are none.
    """
    facts: dict[str, Any] = orjson.loads(text)
    row: dict[str, Any] = {name: facts.get(name, 0) for name in INTEGERS}
    for name in FLOATS:
        value = facts[name]
        row[name] = math.nan if value is None else _NUMBERS.get(value, value)
    if "digest" not in facts:
        row["buckets"] = None
    elif "buckets" in facts:
        row["buckets"] = base64.b64decode(facts["buckets"])
    return row


def _number(value: float) -> float | str | None:
    return None if math.isnan(value) else _NAMED.get(value, value)


def _places(ids: Ints, among: Ints) -> Ints:
    """Return where each id is among others in any order, -1 where it is not."""
    if not len(among):
        return np.full(len(ids), -1, np.int64)
    order = np.argsort(among, kind="stable")
    found = np.minimum(np.searchsorted(among, ids, sorter=order), len(among) - 1)
    places = order[found]
    return np.where(among[places] == ids, places, -1)


def _unlike(before: Any, after: Any) -> Any:
    if before.dtype.kind == "f":
        return (before != after) & ~(np.isnan(before) & np.isnan(after))
    return np.asarray(before != after, np.bool_)
