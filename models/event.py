"""The error_events table: recorded failures."""

from __future__ import annotations

from peewee import BigIntegerField, CompositeKey, IntegerField, TextField

from models.base import Table


class ErrorEvent(Table):
    """A failure, once per (source, fingerprint, time), however often it is recorded.

    `time` is when it happened, in UTC milliseconds; for failures that were counted in
    a window it is the window's start and `occurrences` is the count. `detector` names
    what recorded it, `recorded_at` when, in UTC seconds. `metadata` is a JSON object.
    """

    source = TextField()
    fingerprint = TextField()
    time = BigIntegerField(index=True)
    detector = TextField()
    category = TextField()
    type = TextField()
    message = TextField()
    occurrences = BigIntegerField(default=1)
    status = IntegerField(null=True)
    endpoint = TextField(default="")
    trace_id = TextField(default="")
    span_id = TextField(default="")
    client = TextField(default="")
    workspace = TextField(default="")
    environment = TextField(default="")
    metadata = TextField(default="{}")
    recorded_at = BigIntegerField()

    class Meta:
        """Idempotent on source, fingerprint and time (R84); searched by time."""

        table_name = "error_events"
        primary_key = CompositeKey("source", "fingerprint", "time")
        indexes = ((("source", "time"), False),)
