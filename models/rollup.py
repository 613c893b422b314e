"""The rollup tables: one shape and one meaning at every resolution.

The minute table is written in time order and read by time, so its key starts with the
time; hours and days are read by series. Both keys contain `series_id`, so that the
tables can be distributed by it.
"""

from __future__ import annotations

from typing import Final, Protocol

from peewee import (
    BigIntegerField,
    BlobField,
    CompositeKey,
    DoubleField,
    IntegerField,
)

from models.base import Table

import numpy as np
from numpy.typing import NDArray

COLUMNS: Final = (
    "series_id",
    "start",
    "count",
    "sum",
    "min",
    "max",
    "first",
    "last",
    "increase",
    "resets",
    "expected",
    "flags",
)
"""Columns of a rollup row in the order in which bulk writes and reads use them."""


class RollupColumns(Protocol):
    """Rollup rows as equally long arrays, NaN standing for NULL in the float ones."""

    @property
    def series_id(self) -> NDArray[np.int64]: ...
    @property
    def start(self) -> NDArray[np.int64]: ...
    @property
    def count(self) -> NDArray[np.int64]: ...
    @property
    def sum(self) -> NDArray[np.float64]: ...
    @property
    def min(self) -> NDArray[np.float64]: ...
    @property
    def max(self) -> NDArray[np.float64]: ...
    @property
    def first(self) -> NDArray[np.float64]: ...
    @property
    def last(self) -> NDArray[np.float64]: ...
    @property
    def increase(self) -> NDArray[np.float64]: ...
    @property
    def resets(self) -> NDArray[np.int64]: ...
    @property
    def expected(self) -> NDArray[np.int64]: ...
    @property
    def flags(self) -> NDArray[np.int64]: ...


class _Rollup(Table):
    """A window of a series.

    `start` is the window's first second, UTC. `count` samples were seen of
    `expected`. `increase` is NULL for series that are no counters; a step across the
    window's start belongs to the window. `flags` are `bridge.rollup.rows.Flag`.
    """

    series_id = BigIntegerField()
    start = BigIntegerField()
    count = BigIntegerField()
    sum = DoubleField(null=True)
    min = DoubleField(null=True)
    max = DoubleField(null=True)
    first = DoubleField(null=True)
    last = DoubleField(null=True)
    increase = DoubleField(null=True)
    resets = IntegerField(default=0)
    expected = BigIntegerField(default=0)
    flags = IntegerField(default=0)
    buckets = BlobField(null=True)


class RollupMinute(_Rollup):
    """Rows of one minute."""

    class Meta:
        """Clustered by time."""

        table_name = "rollup_minute"
        primary_key = CompositeKey("start", "series_id")
        without_rowid = True


class RollupHour(_Rollup):
    """Rows of one hour."""

    class Meta:
        """Clustered by series."""

        table_name = "rollup_hour"
        primary_key = CompositeKey("series_id", "start")
        without_rowid = True


class RollupDay(_Rollup):
    """Rows of one UTC day."""

    class Meta:
        """Clustered by series."""

        table_name = "rollup_day"
        primary_key = CompositeKey("series_id", "start")
        without_rowid = True
