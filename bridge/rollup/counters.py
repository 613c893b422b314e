"""The algebra of counters: what a value means after the one before it.

A counter only rises, except that it starts again when its process does (R21, R22).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from bridge.rollup.rows import Bools, Floats

EXACT: Final = 2.0**53
"""From here on a float cannot tell an integer from the next one (R18)."""


def steps(values: Floats, before: Floats) -> tuple[Floats, Bools]:
    """Return how much each value adds to the one before, and which are resets.

    A smaller value is a reset and adds itself, a larger one adds the difference, an
    equal one adds nothing. Negative values follow the same rule, so that only they can
    make a step negative. Where `before` is NaN, none is known and nothing is added.
    A step from or to an infinity cannot be measured: it adds nothing and is no reset,
    whichever window its two samples fall into.
    """
    known = np.isfinite(values) & np.isfinite(before)
    resets = known & (values < before)
    with np.errstate(invalid="ignore", over="ignore"):
        rises = np.where(known, values - before, 0.0)
    return np.where(resets, values, rises), resets


def imprecise(values: Floats) -> Bools:
    """Return which values are finite and so large that a step of one may be lost.

    2^53 itself is among them, because 2^53 + 1 arrives as 2^53.
    """
    return np.isfinite(values) & (np.abs(values) >= EXACT)
