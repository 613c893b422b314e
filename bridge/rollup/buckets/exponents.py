"""The bounds of exponential buckets, exactly as every client computes them.

Schema s divides each power of two by `2 ** s`; each step down halves the resolution.
Bucket i ends, inclusive, at `2 ** (i * 2 ** -s)`. The bounds within a power of two are
rounded correctly, so that a value falls into the same bucket on every machine. See the
published specification of Prometheus' native histograms.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from bridge.rollup.rows import Floats, Ints

COARSEST: Final = -4
FINEST: Final = 8

_TOP: Final = 1024
"""No float reaches two to this power; what lies above is in one more bucket."""


def relative_error(schema: int) -> float:
    """Return by which share two values of one bucket differ at most."""
    return math.exp2(math.ldexp(1.0, -schema)) - 1


def index_of(values: Floats, schema: int) -> Ints:
    """Return the buckets of positive values; infinite ones are in the last of all."""
    fraction, power = np.frexp(values)
    power = power.astype(np.int64)
    if schema > 0:
        within = np.searchsorted(_fractions(schema), fraction, side="left")
        index: Ints = within + ((power - 1) << schema)
        last = (_TOP << schema) + 1
    else:
        index = -((-(power - (fraction == 0.5))) >> -schema)  # noqa: PLR2004 - exact
        last = -(-_TOP >> -schema) + 1
    return np.where(np.isposinf(values), last, index)


def upper_bounds(index: Ints, schema: Ints) -> Floats:
    """Return where buckets end, of any schemas.

    The bucket of the largest floats ends at the largest, the one after it at +Inf.
    """
    bounds = np.empty(len(index))
    for one in np.unique(schema).tolist():
        chosen = schema == one
        bounds[chosen] = _upper(index[chosen], one)
    return bounds


def coarser(index: Ints, steps: Ints) -> Ints:
    """Return the buckets that hold buckets, so many schemas below theirs."""
    halved: Ints = ((index - 1) >> steps) + 1
    return halved


def _upper(index: Ints, schema: int) -> Floats:
    if schema > 0:
        within = _fractions(schema)[index & ((1 << schema) - 1)]
        power = (index >> schema) + 1
    else:
        within = np.full(len(index), 0.5)
        power = (index << -schema) + 1
    reach = index * math.ldexp(1.0, -schema)
    with np.errstate(over="ignore"):
        bounds = np.ldexp(within, np.clip(power, -1100, 1100).astype(np.int32))
    largest = np.finfo(np.float64).max
    bounds = np.where(reach >= _TOP, largest, bounds)
    return np.where(reach > _TOP, np.inf, bounds)


@cache
def _fractions(schema: int) -> Floats:
    """Return the bounds from 0.5 on, below 1, correctly rounded."""
    parts = 1 << schema
    with localcontext() as context:
        context.prec = 50
        bounds = [float(Decimal(2) ** (Decimal(k) / parts) / 2) for k in range(parts)]
    return np.array(bounds)
