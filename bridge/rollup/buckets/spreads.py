"""Distributions of gauges: of those that people want quantiles of, and no others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.buckets.distributions import distributions
from bridge.rollup.buckets.exponents import COARSEST, FINEST, relative_error
from bridge.sources.matching import matching
from models.folded import overflow_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.rollup.rows import Ints, Rows
    from bridge.rollup.tolerances import Describe
    from bridge.rollup.windows import Window
    from bridge.sources.base import Block
    from runtime.sketch_settings import Distribution

_UNASKED: Final = -128
_NONE: Final = -127


def schema_of(error: float) -> int:
    """Return the coarsest schema whose buckets are no wider than a relative error.

    Raises ValueError if there is none.
    """
    for schema in range(COARSEST, FINEST + 1):
        if relative_error(schema) <= error:
            return schema
    raise ValueError(f"no buckets are as narrow as {error:.3%}")


class Spreads:
    """Remembers which series have a distribution; the first rule that fits decides.

    Raises ValueError for a rule whose selector is none.
    """

    def __init__(self, rules: Sequence[Distribution], describe: Describe) -> None:
        self._rules = [(matching(one.match), schema_of(one.error)) for one in rules]
        self._describe = describe
        self._schemas = np.zeros(0, np.int64)

    def add_to(self, rows: Rows, block: Block, window: Window) -> Rows:
        """Return rows with distributions of the gauges among them that match.

        `rows` are of series of the block, in its order.
        """
        if not self._rules or not len(rows):
            return rows
        schemas = self._of(overflow_of(block.series_id))
        schemas[block.counter] = _NONE
        if block.quantile is not None:
            schemas[block.quantile] = _NONE
        if not (schemas > _NONE).any():
            return rows
        inside = block.times >= window.start_ms
        owner = np.repeat(np.arange(len(schemas)), np.diff(block.offsets))
        blobs = np.full(len(schemas), None, np.object_)
        for schema in np.unique(schemas[schemas > _NONE]).tolist():
            mine = np.flatnonzero(schemas == schema)
            place = np.full(len(schemas), -1)
            place[mine] = np.arange(len(mine))
            chosen = inside & (place[owner] >= 0)
            blobs[mine] = distributions(
                block.values[chosen], place[owner[chosen]], len(mine), schema
            )
        return replace(rows, buckets=blobs[np.isin(block.series_id, rows.series_id)])

    def _of(self, series_id: Ints) -> Ints:
        """Return the schema of each series, `_NONE` for those without distribution."""
        size = int(series_id.max(initial=-1)) + 1
        if size > len(self._schemas):
            extra = max(size, 2 * len(self._schemas)) - len(self._schemas)
            self._schemas = np.append(self._schemas, np.full(extra, _UNASKED))
        new = series_id[self._schemas[series_id] == _UNASKED]
        described = self._describe(new.tolist())
        for number, (metric, labels) in zip(new.tolist(), described, strict=True):
            self._schemas[number] = next(
                (schema for matches, schema in self._rules if matches(metric, labels)),
                _NONE,
            )
        schemas: Ints = self._schemas[series_id]
        return schemas
