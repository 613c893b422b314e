"""The series table: a name and its labels, and what is known of them."""

from __future__ import annotations

from peewee import BigAutoField, BigIntegerField, IntegerField, TextField

from models.base import Table


class Series(Table):
    """One time series of one source.

    `labels` is canonical JSON: an object with sorted keys, no empty values, without
    the metric's name, UTF-8, no spaces (RULES R75). `fingerprint` is a 64-bit hash of
    (source, metric, labels), and `ordinal` tells apart series whose hashes collide.
    `kind` is counter, gauge, histogram, summary or unknown. Times are UTC seconds.
    """

    id = BigAutoField()
    fingerprint = BigIntegerField()
    ordinal = IntegerField(default=0)
    source = TextField(index=True)
    metric = TextField(index=True)
    labels = TextField()
    kind = TextField(default="unknown")
    unit = TextField(default="")
    help = TextField(default="")
    workspace = TextField(default="")
    environment = TextField(default="")
    first_seen = BigIntegerField()
    last_seen = BigIntegerField()

    class Meta:
        """Identity is unique by hash and ordinal."""

        table_name = "series"
        indexes = ((("fingerprint", "ordinal"), True),)
