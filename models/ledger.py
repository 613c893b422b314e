"""The ledger: which windows of which source are done, and how."""

from __future__ import annotations

from peewee import BigIntegerField, CompositeKey, IntegerField, TextField

from models.base import Table


class Ledger(Table):
    """One window of one source at one resolution.

    A window without a row has not been done.
    """

    source = TextField(help_text="Name of the source in config.yaml.")
    resolution = TextField(help_text="minute, hour, day, or day@NAME for a calendar's.")
    start = BigIntegerField(help_text="First second of the window, UTC.")
    state = TextField(
        help_text="open (asked for), done, partial (all there is, but not all there "
        "was), dirty (to be done again) or lost (no raw samples left)."
    )
    samples = BigIntegerField(default=0, help_text="Samples that the rows hold.")
    series = BigIntegerField(default=0, help_text="Rows, one for each series.")
    revision = IntegerField(default=0, help_text="How often the rows were computed.")
    reason = TextField(default="", help_text="Why the state is not done.")
    computed_at = BigIntegerField(help_text="When the state was set, UTC seconds.")
    first_at = BigIntegerField(
        default=0, help_text="Since when there are rows, UTC seconds; 0 for always."
    )
    held = BigIntegerField(
        null=True,
        help_text="Raw samples that the source had, as it counts them itself; NULL "
        "where it did not say.",
    )

    class Meta:
        """One row per window; unfinished ones are found by state."""

        table_name = "ledger"
        primary_key = CompositeKey("source", "resolution", "start")
        without_rowid = True
        indexes = ((("state", "source", "resolution", "start"), False),)
