"""The buffer table: accepted raw samples until their windows are done."""

from __future__ import annotations

from peewee import BigIntegerField, BlobField, CompositeKey, IntegerField, TextField

from models.base import Table


class Buffer(Table):
    """A batch of samples of one minute of one source."""

    source = TextField(help_text="Name of the source in config.yaml.")
    start = BigIntegerField(help_text="First second of the minute, UTC.")
    batch = BigIntegerField(help_text="Tells batches of a minute apart.")
    samples = IntegerField(help_text="Samples in the payload.")
    payload = BlobField(
        help_text="zlib over three little-endian arrays of that many entries: series "
        "ids (int64), times in UTC milliseconds (int64), values (float64). Where there "
        "are histograms, two more: what part of its series a sample is (int8: 0 all of "
        "it, 1 a bucket, 2 the sum, 3 the count), and the bucket's upper bound "
        "(float64)."
    )

    class Meta:
        """Read by source and minute."""

        table_name = "buffer"
        primary_key = CompositeKey("source", "start", "batch")
