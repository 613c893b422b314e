"""Jobs of probing, named probes, and maintenance."""

from __future__ import annotations

from peewee import (
    BigAutoField,
    BigIntegerField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from models.base import Table
from models.destination import Destination, Tag


class Job(Table):
    """Which destinations are probed, how and when.

    One that was deleted stays for as long as there are runs of it, as destinations do.
    """

    id = BigAutoField(help_text="What runs call it; never given again.")
    name = TextField(help_text="Name, of one job at a time.")
    deleted_at = BigIntegerField(
        default=0, help_text="When it was deleted, UTC milliseconds; 0 if it was not."
    )
    description = TextField(default="", help_text="What it is for.")
    enabled = IntegerField(default=1, help_text="1 if it runs, 0 if it was stopped.")
    document = TextField(
        help_text="Interval, probes, agents, validity, windows and all else that is in "
        "no other column, as a JSON object."
    )
    origin = TextField(help_text="Who owns it: config or api.")
    revision = BigIntegerField(default=1, help_text="Rises with every change.")
    created_at = BigIntegerField(help_text="When it was made, UTC milliseconds.")
    updated_at = BigIntegerField(help_text="When it changed last, UTC milliseconds.")

    class Meta:
        """Found by name; of deleted ones by when."""

        table_name = "jobs"
        indexes = ((("name", "deleted_at"), True),)


class JobDestination(Table):
    """A job names a destination, which cannot be deleted before the job."""

    job_id = ForeignKeyField(
        Job, column_name="job_id", index=False, help_text="Which job."
    )
    destination_id = ForeignKeyField(
        Destination,
        column_name="destination_id",
        index=True,
        help_text="Which destination.",
    )

    class Meta:
        """Found from both sides."""

        table_name = "job_destinations"
        primary_key = CompositeKey("job_id", "destination_id")
        without_rowid = True


class JobTag(Table):
    """A job asks for a tag: destinations that have all of its tags are its own, too."""

    job_id = ForeignKeyField(
        Job, column_name="job_id", index=False, help_text="Which job."
    )
    tag_id = ForeignKeyField(
        Tag, column_name="tag_id", index=True, help_text="Which tag."
    )

    class Meta:
        """Found from both sides."""

        table_name = "job_tags"
        primary_key = CompositeKey("job_id", "tag_id")
        without_rowid = True


class _Named(Table):
    """Settings of a name."""

    id = BigAutoField(help_text="Its number; never given again.")
    name = TextField(unique=True, help_text="Unique name.")
    document = TextField(help_text="The settings as a JSON object.")
    origin = TextField(help_text="Who owns it: config or api.")
    revision = BigIntegerField(default=1, help_text="Rises with every change.")
    created_at = BigIntegerField(help_text="When it was made, UTC milliseconds.")
    updated_at = BigIntegerField(help_text="When it changed last, UTC milliseconds.")


class Module(_Named):
    """A named probe: its kind and its settings."""

    class Meta:
        """Few."""

        table_name = "modules"


class Maintenance(_Named):
    """When which destinations are left alone."""

    class Meta:
        """Few."""

        table_name = "maintenance"
