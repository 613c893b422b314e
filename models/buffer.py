"""The buffer table: accepted raw samples until their windows are done."""

from __future__ import annotations

from peewee import BigIntegerField, BlobField, CompositeKey, IntegerField, TextField

from models.base import Table


class Buffer(Table):
    """A batch of samples of one minute of one source.

    `start` is the minute, UTC seconds; `batch` tells batches of a minute apart.
    `payload` is zlib over three little-endian arrays of `samples` entries each:
    series ids (int64), times in UTC milliseconds (int64), values (float64).
    """

    source = TextField()
    start = BigIntegerField()
    batch = BigIntegerField()
    samples = IntegerField()
    payload = BlobField()

    class Meta:
        """Read by source and minute."""

        table_name = "buffer"
        primary_key = CompositeKey("source", "start", "batch")
