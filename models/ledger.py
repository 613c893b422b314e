"""The ledger: which windows of which source are done, and how."""

from __future__ import annotations

from peewee import BigIntegerField, CompositeKey, IntegerField, TextField

from models.base import Table


class Ledger(Table):
    """One window of one source at one resolution.

    `state` is open (asked for), done, partial, dirty (to be done again) or lost. A
    window without a row has not been done. `samples` and `series` say what the rows
    hold, `revision` counts how often they were computed, `reason` explains a state
    other than done. `start` and `computed_at` are UTC seconds.
    """

    source = TextField()
    resolution = TextField()
    start = BigIntegerField()
    state = TextField()
    samples = BigIntegerField(default=0)
    series = BigIntegerField(default=0)
    revision = IntegerField(default=0)
    reason = TextField(default="")
    computed_at = BigIntegerField()

    class Meta:
        """One row per window; unfinished ones are found by state."""

        table_name = "ledger"
        primary_key = CompositeKey("source", "resolution", "start")
        without_rowid = True
        indexes = ((("state", "source", "resolution", "start"), False),)
