"""Which of several servers that scrape the same targets is listened to (R35).

One replica feeds one target in one window, and all of it. The choice depends on nothing
but what the servers hold of that window, so that windows may be done in any order and
again; it does not depend on what was chosen before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from bridge.sources.intervals import Target

_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Up:
    """The scrapes of a target by a replica, '' where no label tells replicas apart.

    `labels` are those of its `up`, which all its series have; `times` are UTC
    milliseconds and `good` says which scrapes had success.
    """

    labels: Mapping[str, str]
    replica: str
    times: NDArray[np.int64]
    good: NDArray[np.bool_]


Ups: TypeAlias = Mapping[tuple[str, str], list[Up]]
"""By job and instance, which several targets may share."""
Count: TypeAlias = "Callable[[Collection[Target]], Mapping[Target, Mapping[str, int]]]"
"""Answers how many samples of a window each replica has of some targets."""


def choose(samples: Mapping[str, int]) -> str | None:
    """Return the first replica by name that has at least half of what the best has.

    None where no replica has a sample. One that misses a scrape now and then stays, and
    only one that is absent is left.
    """
    best = max(samples.values(), default=0)
    good = (name for name in sorted(samples) if 2 * samples[name] >= best > 0)
    return next(good, None)


@dataclass(slots=True)
class Replicas:
    """The choices for one window, which ends at `end_ms`.

    `count` is asked of targets without `up`.
    """

    ups: Ups
    end_ms: int
    count: Count
    _chosen: dict[Target, str | None] = field(default_factory=dict)

    def of(self, target: Target) -> str | None:
        """Return the replica that feeds a target, None for no particular one."""
        if target not in self._chosen:
            self.ask([target])
        return self._chosen[target]

    def ask(self, targets: Iterable[Target]) -> None:
        """Choose for targets; those without `up` are counted all at once."""
        without = []
        for target in targets:
            if target not in self._chosen:
                self._chosen[target] = self._by_up(target, self.end_ms)
                if self._chosen[target] is None:
                    without.append(target)
        if without:
            counts = self.count(without)
            for target in without:
                self._chosen[target] = choose(counts.get(target, {}))

    @property
    def has_switched(self) -> bool:
        """Whether a target is fed by another replica than in the minute before."""
        for target in self.ups:
            before = self._by_up(target, self.end_ms - _MINUTE_MS)
            now = self._by_up(target, self.end_ms)
            if before is not None and now is not None and now != before:
                return True
        return False

    def feeds(
        self,
        targets: Sequence[Target],
        names: Sequence[str],
        target: NDArray[np.int64],
        name: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Say which series come from the replica that feeds their target.

        `target` and `name` are places in `targets` and in the replicas' `names`.
        """
        self.ask([targets[code] for code in np.unique(target).tolist()])
        codes = {replica: code for code, replica in enumerate(names)}
        chosen = np.full(len(targets), -1, np.int64)
        for code, found in enumerate(targets):
            replica = self._chosen.get(found)
            if replica is not None:
                chosen[code] = codes.get(replica, -1)
        feeds: NDArray[np.bool_] = chosen[target] == name
        return feeds

    def _by_up(self, target: Target, end_ms: int) -> str | None:
        """Choose by successful scrapes; by all of them where none had success."""
        good: dict[str, int] = {}
        every: dict[str, int] = {}
        for up in self.ups.get(target, ()):
            inside = (up.times >= end_ms - _MINUTE_MS) & (up.times < end_ms)
            every[up.replica] = every.get(up.replica, 0) + int(inside.sum())
            successes = int((inside & up.good).sum())
            good[up.replica] = good.get(up.replica, 0) + successes
        return choose(good) or choose(every)
