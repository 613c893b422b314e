"""Scrapes of classic histograms in the one shape that steps are measured in."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from bridge.rollup.buckets import classic
from bridge.rollup.buckets.layouts import TOTAL, layout_id, shared
from bridge.rollup.buckets.packing import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bridge.rollup.buckets.layouts import Bounds, Lookup
    from bridge.rollup.rows import Bools, Floats, Ints
    from bridge.rollup.tail import Previous
    from bridge.sources.base import Families

_TOLERANCE: Final = 1e-12
"""By this share counts may fall from one bound to the next: rounding (R50)."""
_HISTOGRAMS: Final = frozenset({Kind.CLASSIC, Kind.EXPONENTIAL})


class Layouts:
    """The layouts that the scrapes of a window were counted by, by their place."""

    def __init__(self, bounds: Iterable[Bounds]) -> None:
        self.bounds = list(bounds)
        self._places = {layout_id(one): at for at, one in enumerate(self.bounds)}

    def place(self, bounds: Bounds) -> int:
        """Return the place of a layout, which is added where it is new."""
        number = layout_id(bounds)
        if number not in self._places:
            self._places[number] = len(self.bounds)
            self.bounds.append(bounds)
        return self._places[number]

    def learn(self, numbers: Iterable[int], lookup: Lookup) -> dict[int, int]:
        """Return the places of layouts by their ids; those not known are left out."""
        wanted = set(numbers)
        strange = sorted(wanted - self._places.keys())
        for bounds in (lookup(strange) if strange else {}).values():
            self.place(bounds)
        return {one: self._places[one] for one in wanted & self._places.keys()}

    def shared(self, old: int, new: int) -> tuple[int, Ints, Ints]:
        """Return the layout of the bounds that two have, and where they have them."""
        both, in_old, in_new = shared(self.bounds[old], self.bounds[new])
        return self.place(both), in_old, in_new


@dataclass(frozen=True, slots=True)
class Scrapes:
    """Scrapes as equally long arrays.

    `cumulative` has a row per scrape, as wide as the widest layout and filled up with
    `observed`, its last count. `layout` is the place in `Layouts`. `totals` are `_sum`,
    NaN where missing. `repaired` says that counts had to be forced to rise, `lacking`
    that buckets were no numbers. `observed` is NaN where a scrape says nothing.
    """

    layout: Ints
    cumulative: Floats
    observed: Floats
    totals: Floats
    repaired: Bools
    lacking: Bools

    @property
    def usable(self) -> Bools:
        """Which scrapes say how much was observed."""
        return ~np.isnan(self.observed)

    def take(self, chosen: Ints | Bools) -> Self:
        """Return the chosen scrapes."""
        return type(self)(*(getattr(self, one.name)[chosen] for one in fields(self)))

    def where(self, chosen: Bools, other: Scrapes) -> Scrapes:
        """Return these scrapes where chosen, else the others."""
        width = max(self.cumulative.shape[1], other.cumulative.shape[1])
        return Scrapes(
            np.where(chosen, self.layout, other.layout),
            np.where(
                chosen[:, None], self.cumulative_as(width), other.cumulative_as(width)
            ),
            np.where(chosen, self.observed, other.observed),
            np.where(chosen, self.totals, other.totals),
            np.where(chosen, self.repaired, other.repaired),
            np.where(chosen, self.lacking, other.lacking),
        )

    def cumulative_as(self, width: int) -> Floats:
        """Return the cumulative buckets, cut or filled up to a width."""
        missing = width - self.cumulative.shape[1]
        if missing <= 0:
            return self.cumulative[:, :width]
        filling = np.repeat(self.observed[:, None], missing, axis=1)
        return np.concatenate([self.cumulative, filling], axis=1)


def read(families: Families) -> tuple[Scrapes, Layouts]:
    """Return the scrapes of families, in their order, with buckets that rise.

    `_count` is the last bucket where both are there, and either stands in for the
    other. Buckets that are no numbers leave only the count.
    """
    layouts = Layouts(families.bounds)
    widths = np.array([len(one) for one in layouts.bounds], np.int64)
    counted = families.layout >= 0
    width = np.where(counted, np.append(widths, 1)[families.layout], 1)
    columns = np.arange(max(families.cumulative.shape[1], 1))
    given = families.cumulative
    top = given[np.arange(len(given)), width - 1] if given.size else width * np.nan
    top = np.where(counted, top, np.nan)
    observed = np.where(np.isfinite(families.observations), families.observations, top)
    observed = np.where(np.isfinite(observed), observed, np.nan)
    finite = columns < (width - 1)[:, None]
    lacking = counted & (finite & ~np.isfinite(given)).any(axis=1)
    plain = ~counted | lacking
    layout = np.where(
        plain, layouts.place(TOTAL) if plain.any() else 0, families.layout
    )
    filled = np.where(finite & ~plain[:, None], given, observed[:, None])
    rising = np.maximum.accumulate(filled, axis=1)
    highest = rising[:, -1]
    allowed = _TOLERANCE * np.abs(highest)
    fell = (rising - filled > allowed[:, None]).any(axis=1)
    torn = np.isfinite(top) & (np.abs(top - highest) > allowed)
    return (
        Scrapes(layout, rising, highest, families.totals, fell | torn, lacking),
        layouts,
    )


def standing(previous: Previous, layouts: Layouts, lookup: Lookup) -> Scrapes:
    """Return how families stood in the rows before; NaN where none is known.

    Of layouts whose bounds nobody knows, and of native histograms, only the count is.
    Of what was a number then nothing is (R33).
    """
    series = len(previous.values)
    kinds = [None if blob is None else blob[0] for blob in previous.buckets.tolist()]
    places = [at for at, kind in enumerate(kinds) if kind == Kind.CLASSIC]
    counted = np.array([kind in _HISTOGRAMS for kind in kinds], np.bool_)
    stood = np.where(counted, previous.values, np.nan)
    blobs = [previous.buckets[at] for at in places]
    found = classic.standing(blobs, np.array(places, np.int64))
    known = layouts.learn(found, lookup)
    wide = [len(layouts.bounds[at]) for at in known.values()]
    layout = np.full(series, layouts.place(TOTAL), np.int64)
    cumulative = np.repeat(stood[:, None], max(wide, default=1), axis=1)
    totals = np.full(series, np.nan)
    for number, state in found.items():
        totals[state.owner] = state.total
        cumulative[state.owner] = state.cumulative[:, -1:]
        if number in known:
            layout[state.owner] = known[number]
            counts = state.cumulative
            cumulative[state.owner[:, None], np.arange(counts.shape[1])] = counts
    nothing = np.zeros(series, np.bool_)
    return Scrapes(layout, cumulative, cumulative[:, -1], totals, nothing, nothing)
