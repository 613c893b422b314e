"""When counts began, as the series `_created` of OpenMetrics say (R25, R27)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import numpy as np

from bridge.sources.base import Block, Families, Natives
from bridge.sources.selectors import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray

Part = TypeVar("Part", Block, Families, Natives)
_Key: TypeAlias = tuple[str, frozenset[tuple[str, str]]]

CREATED: Final = "_created"
"""The end of the names of series that say when others began."""

BACK_MS: Final = 2 * 60_000 + 1000
"""How far before a minute a scrape can be just before, at an interval of a minute."""

_SUFFIXES: Final = ("_total", "_bucket", "_count", "_sum")
_OF_PARTS: Final = frozenset({NAME, "le", "quantile"})
"""Labels that parts of a metric have and its `_created` has not."""


def created_names(names: Collection[str]) -> list[str]:
    """Return the names that say when another of the names began, in order."""
    bases = {base_of(name) for name in names if not name.endswith(CREATED)}
    said = (name for name in names if name.endswith(CREATED))
    return sorted(name for name in said if name.removesuffix(CREATED) in bases)


def base_of(name: str) -> str:
    """Return the name of the family that a counter or a part of one belongs to."""
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


class Starts:
    """What the `_created` series of a window say, by family and labels."""

    def __init__(self) -> None:
        self._said: dict[_Key, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        self._bases: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._said)

    def add(
        self,
        labels: Mapping[str, str],
        times: NDArray[np.int64],
        values: NDArray[np.float64],
    ) -> None:
        """Hear of a `_created` series: its values are seconds since 1970.

        Values that are no time say nothing. What was heard of it before stays.
        """
        base = labels.get(NAME, "").removesuffix(CREATED)
        with np.errstate(invalid="ignore", over="ignore"):
            is_time = (values > 0) & (values * 1000 < 2**62)
        starts = np.zeros(len(values), np.int64)
        starts[is_time] = np.rint(values[is_time] * 1000).astype(np.int64)
        self._bases.add(base)
        key = base, _identity(labels)
        if key in self._said:
            before = self._said[key]
            times, starts = np.append(before[0], times), np.append(before[1], starts)
            times, first = np.unique(times, return_index=True)
            starts = starts[first]
        self._said[key] = times, starts

    def unsure(self, since_ms: int) -> list[str]:
        """Return the names of what may have said the same just before a time already.

        If it did so before the start that it says, its clock is ahead.
        """
        found = {
            base
            for (base, _), (at, starts) in self._said.items()
            if len(at) and since_ms - BACK_MS <= starts[0] < at[0]
        }
        return sorted(base + CREATED for base in found)

    def of(
        self,
        part: Part,
        names: Sequence[str],
        labels: Callable[[NDArray[np.int64]], Sequence[Mapping[str, str]]],
    ) -> Part:
        """Return a part of the window with when its counts began, where that is said.

        `names` are the metrics of its series, and `labels` answers the labels of some
        of them by their places.
        """
        if not self._said:
            return part
        bases = [base_of(name) for name in names]
        places = [at for at, base in enumerate(bases) if base in self._bases]
        started = np.zeros(len(part.times), np.int64)
        some = np.array(places, np.int64)
        for at, found in zip(places, labels(some), strict=True):
            said = self._said.get((bases[at], _identity(found)))
            if said is not None:
                inside = slice(part.offsets[at], part.offsets[at + 1])
                started[inside] = _as_of(part.times[inside], *_passed(*said))
        return replace(part, started=started) if started.any() else part


def _as_of(
    times: NDArray[np.int64], at: NDArray[np.int64], starts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the newest start that was said at or before each time, 0 for none."""
    place = np.searchsorted(at, times, "right") - 1
    return np.where(place >= 0, starts[np.maximum(place, 0)], 0)


def _passed(
    at: NDArray[np.int64], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Take back starts that were said before they had come: a clock is ahead.

    Later on they would look like a restart between two scrapes.
    """
    if not len(at):
        return at, starts
    is_new = np.append(True, starts[1:] != starts[:-1])
    said_first = at[is_new][np.cumsum(is_new) - 1]
    return at, np.where(said_first > starts, starts, 0)


def _identity(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (name, value)
        for name, value in labels.items()
        if value and name not in _OF_PARTS
    )
