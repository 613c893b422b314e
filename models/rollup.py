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
Blobs: TypeAlias = NDArray[np.object_]
"""Of `bytes | None`."""

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
    "buckets",
    "last_offset",
    "gap",
    "changes",
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

    @property
    def last_offset(self) -> Ints:
        """Milliseconds from `start` to the latest sample."""

    @property
    def gap(self) -> Ints:
        """Milliseconds of the longest time over which samples are missing."""

    @property
    def changes(self) -> Ints:
        """How often the value changed from one sample to the next."""

    @property
    def buckets(self) -> Blobs:
        """Packed distributions."""


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
        "numbers were left out, 4 infinite samples are in, 8 the sum is undefined, 16 "
        "a counter beyond 2^53, 32 the first sample counts whole as the series began "
        "in the window, 64 it counts whole as its target was scraped before without "
        "it, 128 the series was marked as ended, 256 falls within the tolerance are "
        "no resets, 512 a step over too long a gap is left out, 1024 buckets were "
        "forced to rise, 2048 the bounds of the histogram changed, 4096 samples are "
        "a client's quantiles, 8192 samples that were declared wrong were left out, "
        "16384 the row adds up several series beyond the budget.",
    )
    buckets = BlobField(
        null=True,
        help_text="Packed distribution: of a histogram its buckets, of a gauge the "
        "samples, of a distinct count its registers.",
    )
    last_offset = IntegerField(
        default=0,
        help_text="Milliseconds from `start` to the latest sample; 0 without one.",
    )
    gap = BigIntegerField(
        default=0,
        help_text="Milliseconds of the longest time over which samples of a counter "
        "are missing that ended in the window; 0 if none are.",
    )
    changes = BigIntegerField(
        default=0,
        help_text="Samples whose value is not that of the sample before them in the "
        "window.",
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
        where=RollupMinute.flags.bin_and(97) != 0,
        name="rollup_minute_baseline",
    )
)
