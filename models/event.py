"""The error_events table: recorded failures."""

from __future__ import annotations

from peewee import BigIntegerField, CompositeKey, IntegerField, TextField

from models.base import Table


class ErrorEvent(Table):
    """A failure, once per source, fingerprint and time however often it is seen."""

    source = TextField(help_text="Name of the source in config.yaml.")
    fingerprint = TextField(help_text="The same for failures of the same kind.")
    time = BigIntegerField(
        index=True,
        help_text="When it happened, UTC milliseconds; of failures that were counted "
        "in a window the window's start.",
    )
    detector = TextField(help_text="What recorded it.")
    category = TextField(help_text="Coarse class, such as server_error.")
    type = TextField(help_text="Fine class, such as http_503.")
    message = TextField(help_text="What happened, for people.")
    occurrences = BigIntegerField(
        default=1, help_text="How many failures the event stands for."
    )
    status = IntegerField(null=True, help_text="HTTP status, if there was one.")
    endpoint = TextField(default="", help_text="What was asked.")
    trace_id = TextField(default="", help_text="Trace, as lower-case hex.")
    span_id = TextField(default="", help_text="Span, as lower-case hex.")
    client = TextField(default="", help_text="Who asked.")
    workspace = TextField(default="", help_text="Workspace of the source.")
    environment = TextField(default="", help_text="Environment of the source.")
    metadata = TextField(default="{}", help_text="Further facts, a JSON object.")
    recorded_at = BigIntegerField(help_text="When it was recorded, UTC seconds.")

    class Meta:
        """Idempotent on source, fingerprint and time (R84); searched by time."""

        table_name = "error_events"
        primary_key = CompositeKey("source", "fingerprint", "time")
        indexes = ((("source", "time"), False),)
