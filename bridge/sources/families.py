"""Members of histogram families, however they arrive, become whole families.

A family may be divided over the answers of a window, even by `le`. Nothing is said of
it before all of them are in.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bridge.sources.base import Families
from bridge.sources.members import Role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Members:
    """Samples of members as equally long arrays, in any order.

    Sample i is of the `role[i]` (a `Role`) in the family with the id `family[i]`, of
    which a full window holds `expected[i]`; `bound[i]` is the upper bound of a bucket
    and `text[i]` tells series apart that write the same bound differently. Times are
    UTC milliseconds.
    """

    family: NDArray[np.int64]
    role: NDArray[np.int8]
    bound: NDArray[np.float64]
    text: NDArray[np.int64]
    expected: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.family)

    def take(self, chosen: NDArray[Any]) -> Members:
        """Return the chosen samples."""
        return Members(*(getattr(self, one.name)[chosen] for one in fields(self)))

    @classmethod
    def join(cls, parts: Sequence[Members]) -> Members:
        """Return the samples of all parts, of which there must be one."""
        return cls(
            *(
                np.concatenate([getattr(part, one.name) for part in parts])
                for one in fields(cls)
            )
        )


class Assembler:
    """Gathers the members that a window's answers bring.

    The families do not depend on the order of answers, on how members were divided
    among them, nor on what came twice: of several values of one member at one time the
    largest stays, a number rather than NaN (RULES R15, R16).
    """

    def __init__(self) -> None:
        self._parts: list[Members] = []

    def add(self, members: Members) -> None:
        """Take the members that an answer brought."""
        if len(members):
            self._parts.append(members)

    def families(
        self, at_once: int = _AT_ONCE, without: Collection[int] = ()
    ) -> Iterator[Families]:
        """Yield the families, so many at once, in the order of their ids.

        `without` are ids of families to leave out.
        """
        if not self._parts:
            return
        samples = Members.join(self._parts)
        self._parts = []
        if without:
            samples = samples.take(~np.isin(samples.family, list(without)))
        if not len(samples):
            return
        samples = _in_order(samples)
        _, first = np.unique(samples.family, return_index=True)
        for begin, end in pairwise([*first[::at_once].tolist(), len(samples)]):
            yield _assembled(samples.take(np.arange(begin, end)))


def _in_order(samples: Members) -> Members:
    """Sort by family, time, role and bound, one sample for each of those.

    Of what one series says at a time the largest stays; buckets of several series with
    one bound are added up, as Prometheus does.
    """
    is_bucket = samples.role == Role.BUCKET
    keys = (
        np.where(is_bucket, samples.text, 0),
        np.where(is_bucket, samples.bound, 0.0),
        samples.role,
        samples.times,
        samples.family,
    )
    order = np.lexsort(keys)
    samples = samples.take(order)
    in_order = [key[order] for key in keys]
    once = _begins(in_order)
    values = np.fmax.reduceat(samples.values, once)
    begins = np.searchsorted(once, _begins(in_order[1:]))
    kept = samples.take(once[begins])
    return replace(
        kept,
        expected=np.maximum.reduceat(samples.expected, once[begins]),
        values=_added(values, begins),
    )


def _begins(keys: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Return where samples begin that differ from those before in one of the keys."""
    is_new = np.ones(len(keys[0]), np.bool_)
    is_new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.flatnonzero(is_new)


def _added(
    values: NDArray[np.float64], begins: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the sums of runs; NaN counts as nothing where there is a number."""
    known = ~np.isnan(values)
    sums = np.add.reduceat(np.where(known, values, 0.0), begins)
    return np.where(np.logical_or.reduceat(known, begins), sums, np.nan)


def _assembled(samples: Members) -> Families:
    """Return sorted samples of whole families as a block."""
    is_new = np.ones(len(samples), np.bool_)
    is_new[1:] = (np.diff(samples.family) != 0) | (np.diff(samples.times) != 0)
    scrape = np.cumsum(is_new) - 1
    begins = np.flatnonzero(is_new)
    observations = _column(samples, scrape, Role.COUNT)
    grid = _grid(samples, scrape, observations)
    topmost = np.take_along_axis(
        grid.cumulative, np.maximum(grid.width - 1, 0)[:, None], axis=1
    )[:, 0]
    family = samples.family[begins]
    starts = np.flatnonzero(np.append(True, np.diff(family) != 0))
    return Families(
        series_id=family[starts],
        offsets=np.append(starts, len(family)),
        times=samples.times[begins],
        expected=np.maximum.reduceat(samples.expected, begins[starts]),
        observations=np.where(np.isnan(observations), topmost, observations),
        totals=_column(samples, scrape, Role.SUM),
        bounds=grid.bounds,
        layout=grid.layout,
        cumulative=grid.cumulative,
    )


def _column(
    samples: Members, scrape: NDArray[np.int64], role: Role
) -> NDArray[np.float64]:
    """Return the value of the only member of a role in each scrape, NaN if missing."""
    column = np.full(int(scrape[-1]) + 1, np.nan)
    chosen = samples.role == role
    column[scrape[chosen]] = samples.values[chosen]
    return column


@dataclass(frozen=True, slots=True)
class _Grid:
    """The buckets of scrapes; scrape i has `width[i]` of them."""

    bounds: tuple[tuple[float, ...], ...]
    layout: NDArray[np.int64]
    width: NDArray[np.int64]
    cumulative: NDArray[np.float64]


def _grid(
    samples: Members, scrape: NDArray[np.int64], observations: NDArray[np.float64]
) -> _Grid:
    """Put the buckets of each scrape side by side.

    The bucket up to infinity holds every observation, as `_count` does: either stands
    in for the other where that is missing. Buckets without both say nothing of what is
    above them, and are left out.
    """
    chosen = samples.role == Role.BUCKET
    owner, bound = scrape[chosen], samples.bound[chosen]
    values = samples.values[chosen]
    width = np.bincount(owner, minlength=len(observations))
    topped = np.zeros(len(observations), np.bool_)
    topped[owner[np.isposinf(bound)]] = True
    topless = np.flatnonzero((width > 0) & ~topped)
    if len(topless):
        ends = np.cumsum(width)[topless]
        owner = np.insert(owner, ends, topless)
        bound = np.insert(bound, ends, np.inf)
        values = np.insert(values, ends, observations[topless])
        unknown = np.isnan(observations) & ~topped
        known = ~unknown[owner]
        owner, bound, values = owner[known], bound[known], values[known]
        width = np.bincount(owner, minlength=len(observations))
    ends = np.cumsum(width)
    bounds, layout = _layouts(bound, ends - width, ends)
    cumulative = np.full((len(width), max(1, int(width.max()))), np.nan)
    cumulative[owner, np.arange(len(owner)) - (ends - width)[owner]] = values
    return _Grid(bounds, layout, width, cumulative)


def _layouts(
    bound: NDArray[np.float64], begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[tuple[tuple[float, ...], ...], NDArray[np.int64]]:
    """Return the different sequences of bounds, and which of them each scrape has."""
    known: dict[bytes, int] = {}
    raw = bound.tobytes()
    size = bound.itemsize
    layout = [
        known.setdefault(raw[size * begin : size * end], len(known))
        if end > begin
        else -1
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
    ]
    bounds = tuple(tuple(np.frombuffer(key, np.float64).tolist()) for key in known)
    return bounds, np.array(layout, np.int64)
