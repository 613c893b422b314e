"""What was changed after it had been said, and what was checked again."""

from __future__ import annotations

from peewee import BigAutoField, BigIntegerField, CompositeKey, IntegerField, TextField

from models.base import Table


class Restatement(Table):
    """A row that was not the same when its window was done again.

    Where very many rows of a window changed, one entry with the series 0 counts those
    that have no entry of their own.
    """

    series_id = BigIntegerField(help_text="Which series; 0 stands for several.")
    resolution = TextField(help_text="Resolution of the row, as in the ledger.")
    start = BigIntegerField(help_text="First second of the window, UTC.")
    revision = IntegerField(help_text="Revision of the window that changed the row.")
    source = TextField(help_text="Name of the source in config.yaml.")
    at = BigIntegerField(index=True, help_text="When it was changed, UTC seconds.")
    reason = TextField(help_text="Why the window was done again.")
    series = BigIntegerField(help_text="How many rows the entry stands for.")
    before = TextField(null=True, help_text="The row before as JSON, NULL for none.")
    after = TextField(null=True, help_text="The row since then, NULL for none.")

    class Meta:
        """One row per change; found by series or by time of change."""

        table_name = "restatements"
        primary_key = CompositeKey(
            "series_id", "resolution", "start", "revision", "source"
        )
        without_rowid = True


class Correction(Table):
    """Somebody's word that samples of a span were wrong."""

    id = BigAutoField(help_text="Number of the correction.")
    source = TextField(index=True, help_text="Name of the source in config.yaml.")
    selector = TextField(help_text="Which series, as a PromQL selector.")
    start = BigIntegerField(help_text="First second that is wrong, a whole minute.")
    until = BigIntegerField(help_text="First second after it, a whole minute.")
    action = TextField(
        help_text="ignore: the next step is measured from the last value before; "
        "baseline: the next step adds nothing."
    )
    note = TextField(help_text="Why, in the words of who made it.")
    author = TextField(help_text="Who made it.")
    created_at = BigIntegerField(help_text="When it was made, UTC seconds.")
    applied_at = BigIntegerField(
        null=True, help_text="When the rows were changed, UTC seconds."
    )
    revoked_at = BigIntegerField(
        null=True, help_text="When it was revoked, UTC seconds."
    )
    restored_at = BigIntegerField(
        null=True, help_text="When the rows were put back, UTC seconds."
    )
    outcome = TextField(
        default="", help_text="What became of it; why not, where it failed."
    )

    class Meta:
        """Few; read whole, by source."""

        table_name = "corrections"


class Verification(Table):
    """The latest look at a minute that was done: whether its rows are still right."""

    source = TextField(help_text="Name of the source in config.yaml.")
    start = BigIntegerField(help_text="First second of the minute, UTC.")
    at = BigIntegerField(index=True, help_text="When it was looked at, UTC seconds.")
    outcome = TextField(
        help_text="same, differs, late (the source has more samples now), aged (it "
        "has fewer) or warned (its answer was not complete)."
    )
    samples = BigIntegerField(help_text="Samples that the rows hold.")
    found = BigIntegerField(help_text="Samples that the source has now.")
    series = BigIntegerField(help_text="Rows that were compared.")
    differing = BigIntegerField(help_text="Rows that are not what they should be.")
    detail = TextField(help_text="The first differences, as JSON.")

    class Meta:
        """One per minute, the newest are kept."""

        table_name = "verifications"
        primary_key = CompositeKey("source", "start")
        without_rowid = True
