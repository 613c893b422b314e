"""The rollup tables: one shape and one meaning at every resolution.

The minute table is written in time order and read by time, so its key starts with the
time; hours and days are read by series. Both keys contain `series_id`, so that the
tables can be distributed by it.
"""

from __future__ import annotations

from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from peewee import (
    BigIntegerField,
    BlobField,
    CompositeKey,
    DoubleField,
    IntegerField,
)

from models.base import Table

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

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
    def series_id(self) -> Ints:
        """Which series."""

    @property
    def start(self) -> Ints:
        """First second of the window, UTC."""

    @property
    def count(self) -> Ints:
        """Samples seen."""

    @property
    def sum(self) -> Floats:
        """Sum of the samples."""

    @property
    def min(self) -> Floats:
        """Smallest sample."""

    @property
    def max(self) -> Floats:
        """Largest sample."""

    @property
    def first(self) -> Floats:
        """Earliest sample."""

    @property
    def last(self) -> Floats:
        """Latest sample."""

    @property
    def increase(self) -> Floats:
        """How much a counter rose."""

    @property
    def resets(self) -> Ints:
        """How often a counter started again."""

    @property
    def expected(self) -> Ints:
        """Samples of a full window, 0 if unknown."""

    @property
    def flags(self) -> Ints:
        """Bits of `bridge.rollup.rows.Flag`."""


class Rollup(Table):
    """A window of a series.

    A step across the window's start belongs to the window.
    """

    series_id = BigIntegerField(help_text="The series, `series.id`.")
    start = BigIntegerField(help_text="First second of the window, UTC.")
    count = BigIntegerField(help_text="Samples that were seen.")
    sum = DoubleField(null=True, help_text="Sum of the samples.")
    min = DoubleField(null=True, help_text="Smallest sample.")
    max = DoubleField(null=True, help_text="Largest sample.")
    first = DoubleField(null=True, help_text="Earliest sample.")
    last = DoubleField(null=True, help_text="Latest sample.")
    increase = DoubleField(
        null=True,
        help_text="How much a counter rose, resets made up for; NULL for series that "
        "are no counters.",
    )
    resets = IntegerField(default=0, help_text="How often a counter started again.")
    expected = BigIntegerField(
        default=0, help_text="Samples of a window without gaps; 0 if unknown."
    )
    flags = IntegerField(
        default=0,
        help_text="Bits: 1 the first sample had no predecessor, 2 samples that are no "
        "numbers were left out, 4 infinite samples are in, 8 the sum is undefined, "
        "16 a counter beyond 2^53.",
    )
    buckets = BlobField(
        null=True, help_text="Increases of a histogram's buckets, packed."
    )


class RollupMinute(Rollup):
    """Rows of one minute."""

    class Meta:
        """Clustered by time."""

        table_name = "rollup_minute"
        primary_key = CompositeKey("start", "series_id")
        without_rowid = True


class RollupHour(Rollup):
    """Rows of one hour."""

    class Meta:
        """Clustered by series."""

        table_name = "rollup_hour"
        primary_key = CompositeKey("series_id", "start")
        without_rowid = True


class RollupDay(Rollup):
    """Rows of one UTC day."""

    class Meta:
        """Clustered by series."""

        table_name = "rollup_day"
        primary_key = CompositeKey("series_id", "start")
        without_rowid = True


RollupMinute.add_index(
    RollupMinute.index(
        RollupMinute.start,
        RollupMinute.series_id,
        where=RollupMinute.flags.bin_and(1) == 1,
        name="rollup_minute_baseline",
    )
)
