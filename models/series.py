"""The series table: a name and its labels, and what is known of them."""

from __future__ import annotations

from peewee import BigAutoField, BigIntegerField, IntegerField, TextField

from models.base import Table


class Series(Table):
    """One time series of one source.

    Ids are never given again, not even after a series was deleted.
    """

    id = BigAutoField(help_text="What rollups call the series; for ever the same.")
    fingerprint = BigIntegerField(
        help_text="64-bit hash of source, metric and labels, by which it is found."
    )
    ordinal = IntegerField(
        default=0, help_text="Tells series apart whose fingerprints collide."
    )
    source = TextField(index=True, help_text="Name of the source in config.yaml.")
    metric = TextField(index=True, help_text="Name of the metric.")
    labels = TextField(
        help_text="The labels as canonical JSON: an object with sorted keys, without "
        "empty values, without the metric's name, UTF-8, no spaces."
    )
    kind = TextField(
        default="unknown",
        help_text="counter, gauge, histogram, summary, distinct or unknown.",
    )
    unit = TextField(default="", help_text="Base unit, if the source says it.")
    help = TextField(default="", help_text="What the source says the metric means.")
    workspace = TextField(default="", help_text="Workspace of the source.")
    environment = TextField(default="", help_text="Environment of the source.")
    first_seen = BigIntegerField(help_text="When it was created, UTC seconds.")
    last_seen = BigIntegerField(help_text="When it last had samples, UTC seconds.")

    class Meta:
        """Identity is unique by hash and ordinal."""

        table_name = "series"
        indexes = ((("fingerprint", "ordinal"), True),)
