"""Samples of gauges, counted in exponential buckets so that their quantiles merge.

Two samples of one bucket differ by at most `exponents.relative_error` of the schema,
whatever was merged in whatever order (R54). Schemas do not mix: a quantile's error is
that of its schema (R55).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.buckets import exponential_blobs
from bridge.rollup.buckets.cells import Cells, tidy
from bridge.rollup.buckets.exponents import COARSEST, FINEST, index_of
from bridge.rollup.buckets.packing import Kind

if TYPE_CHECKING:
    from bridge.rollup.rows import Floats, Ints

ZERO: Final = 2.0**-128
"""Samples no farther from zero than this are taken for zero."""


def distributions(
    values: Floats, owner: Ints, owners: int, schema: int
) -> list[bytes | None]:
    """Return a blob for each owner of samples; None for those without any.

    NaN are left out; infinite samples are in buckets of their own. Raises ValueError
    for a schema that there is not.
    """
    if not COARSEST <= schema <= FINEST:
        raise ValueError(f"schemas are {COARSEST} to {FINEST}, not {schema}")
    number = ~np.isnan(values)
    values, owner = values[number], owner[number]
    size = np.abs(values)
    away = size > ZERO
    cells = tidy(
        owner[away], values[away] < 0, index_of(size[away], schema), np.ones(away.sum())
    )
    count = np.bincount(owner, minlength=owners).astype(np.float64)
    counted = Cells(
        np.full(owners, schema),
        np.full(owners, ZERO),
        np.bincount(owner[~away], minlength=owners).astype(np.float64),
        count,
        *cells,
    )
    blobs = exponential_blobs.encode(Kind.DISTRIBUTION, counted)
    return [
        blob if some else None
        for blob, some in zip(blobs, (count > 0).tolist(), strict=True)
    ]
