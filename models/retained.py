"""The retained table: since when rows are kept, where older ones were deleted."""

from __future__ import annotations

from peewee import BigIntegerField, CompositeKey, TextField

from models.base import Table


class Retained(Table):
    """What was deleted on purpose, by source, resolution and group of series.

    Windows before `since` are no holes: nothing is read, merged or done again there.
    """

    source = TextField(help_text="Name of the source in config.yaml.")
    resolution = TextField(help_text="Resolution, as in the ledger.")
    selector = TextField(
        help_text="The rule whose series are meant; empty for those without one."
    )
    since = BigIntegerField(
        help_text="Start of the first window whose rows are kept, UTC seconds."
    )
    swept = BigIntegerField(
        help_text="Before it the rows are gone already; the same as since once the "
        "deletion is finished."
    )
    changed_at = BigIntegerField(help_text="When since moved last, UTC seconds.")

    class Meta:
        """One row per group of series."""

        table_name = "retained"
        primary_key = CompositeKey("source", "resolution", "selector")
        without_rowid = True
