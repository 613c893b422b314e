"""Counts of different label values: how many clients, pods or users there were."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.buckets.distinct import estimate, hashes, sketches
from bridge.rollup.rows import Flag, Rows
from bridge.sources.matching import matching
from models.directory import SeriesFacts, canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from bridge.rollup.rows import Bools, Ints
    from bridge.rollup.tolerances import Describe
    from bridge.rollup.windows import Window
    from bridge.sources.known import Resolve
    from runtime.sketch_settings import Distinct

METRIC: Final = "epimetheus_distinct"
KIND: Final = "distinct"
_UNASKED: Final = -2
_NONE: Final = -1
_HELP: Final = "About how many different values a label had (rollup.distinct)."


class Census:
    """Counts what the settings ask for in the rows of one source.

    `describe` answers metrics and labels of series by id, `resolve` the ids of the
    series of counts. Raises ValueError for a rule whose selector is none.
    """

    def __init__(
        self, rules: Sequence[Distinct], describe: Describe, resolve: Resolve
    ) -> None:
        self._counts = [_Count(rule, describe) for rule in rules]
        self._resolve = resolve

    def of(self, parts: Sequence[Rows], window: Window) -> Rows:
        """Return the rows of all counts of a window, from those of its series.

        Series count that had a sample; those that only rise must have risen.
        """
        there = [rows.series_id[_were_active(rows)] for rows in parts]
        ids = np.concatenate([np.zeros(0, np.int64), *there])
        found = [part for one in self._counts for part in one.sketches(ids)]
        if not found:
            return Rows.join([])
        facts = [SeriesFacts(METRIC, labels, KIND, help=_HELP) for labels, _ in found]
        return _rows(self._resolve(facts), window, [blob for _, blob in found])


@dataclass(slots=True)
class _Count:
    """One rule, with what it makes of the series that it has met.

    Series i belongs to the group `group[i]`, of which there are the canonical labels,
    and has a value with the hash `hashed[i]`.
    """

    rule: Distinct
    describe: Describe
    matches: Callable[[str, Mapping[str, str]], bool] = field(init=False)
    group: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    hashed: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    groups: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.matches = matching(self.rule.match)

    def sketches(self, series_id: Ints) -> list[tuple[str, bytes]]:
        """Return labels and blob of each group that some of the series belong to."""
        self._meet(series_id)
        counted = series_id[self.group[series_id] >= 0]
        groups, owner = np.unique(self.group[counted], return_inverse=True)
        blobs = sketches(self.hashed[counted], owner, len(groups))
        labels = list(self.groups)
        return [
            (labels[group], blob)
            for group, blob in zip(groups.tolist(), blobs, strict=True)
        ]

    def _meet(self, series_id: Ints) -> None:
        size = int(series_id.max(initial=-1)) + 1
        if size > len(self.group):
            extra = max(size, 2 * len(self.group)) - len(self.group)
            self.group = np.append(self.group, np.full(extra, _UNASKED))
            self.hashed = np.append(self.hashed, np.zeros(extra, np.uint64))
        new = series_id[self.group[series_id] == _UNASKED]
        self.group[new] = _NONE
        described = self.describe(new.tolist())
        values = {
            number: labels
            for number, (metric, labels) in zip(new.tolist(), described, strict=True)
            if labels.get(self.rule.label) and self.matches(metric, labels)
        }
        for number, labels in values.items():
            named = {"of": self.rule.name}
            named |= {name: labels[name] for name in self.rule.by if name in labels}
            self.group[number] = self.groups.setdefault(
                canonical(named), len(self.groups)
            )
        told = hashes(labels[self.rule.label] for labels in values.values())
        self.hashed[list(values)] = told


def _were_active(rows: Rows) -> Bools:
    active: Bools = (rows.count > 0) & ~(rows.increase == 0)
    return active


def _rows(series_id: Ints, window: Window, blobs: Sequence[bytes]) -> Rows:
    """Return a row for each count: once counted, with the estimate as its value."""
    size = len(blobs)
    estimates = np.array([estimate(blob) for blob in blobs])
    nothing, none = np.full(size, np.nan), np.zeros(size, np.int64)
    buckets = np.full(size, None, np.object_)
    buckets[:] = list(blobs)
    return Rows(
        series_id=np.asarray(series_id, np.int64),
        start=np.full(size, window.start, np.int64),
        count=np.ones(size, np.int64),
        sum=nothing,
        min=nothing,
        max=estimates,
        first=nothing,
        last=estimates,
        increase=nothing,
        resets=none,
        expected=np.ones(size, np.int64),
        flags=np.full(size, int(Flag.NO_SUM)),
        last_offset=none,
        gap=none,
        changes=none,
        buckets=buckets,
    )
