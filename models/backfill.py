"""The backfills table: series that are to be merged into finished windows."""

from __future__ import annotations

from peewee import BigAutoField, BigIntegerField, TextField

from models.base import Table


class Backfill(Table):
    """Some series of a span that were asked for after its windows were finished.

    Each window is committed together with `position`, so that one that was interrupted
    goes on there.
    """

    id = BigAutoField(help_text="Number of the backfill.")
    source = TextField(index=True, help_text="Name of the source in config.yaml.")
    match = TextField(help_text="Which series: PromQL selectors, as a JSON list.")
    start = BigIntegerField(help_text="First second of the first minute, UTC.")
    until = BigIntegerField(help_text="First second after the last minute, UTC.")
    position = BigIntegerField(help_text="Start of the first minute still to be done.")
    rate = BigIntegerField(help_text="Minutes of the span to do in one; 0 for any.")
    changed = BigIntegerField(help_text="Rows of minutes that were added or replaced.")
    created_at = BigIntegerField(help_text="When it was asked for, UTC seconds.")
    finished_at = BigIntegerField(
        null=True, help_text="When nothing was left to do, UTC seconds."
    )
    outcome = TextField(
        default="", help_text="What became of it; why not, where it failed."
    )

    class Meta:
        """Few; those that are not finished are read by source."""

        table_name = "backfills"
