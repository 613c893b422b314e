"""Destinations of probes, and the tags by which jobs select them."""

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


class Destination(Table):
    """Something that is probed, or was.

    One that was deleted stays for as long as there are results of it, so that history
    keeps its name; who is given that name later is another one, with another id.
    """

    id = BigAutoField(help_text="What results call it; never given again.")
    name = TextField(help_text="Name, of one destination at a time.")
    deleted_at = BigIntegerField(
        default=0, help_text="When it was deleted, UTC milliseconds; 0 if it was not."
    )
    host = TextField(help_text="Name or address, with a port or as a URL.")
    display_name = TextField(default="", help_text="Name for people.")
    description = TextField(default="", help_text="What it is.")
    enabled = IntegerField(default=1, help_text="1 if it is probed, 0 if it is not.")
    origin = TextField(help_text="Who owns it: config or api.")
    revision = BigIntegerField(
        default=1, help_text="Rises with every change of what people may change."
    )
    created_at = BigIntegerField(help_text="When it was made, UTC milliseconds.")
    updated_at = BigIntegerField(
        help_text="When people changed it last, UTC milliseconds."
    )
    status = TextField(
        default="unknown",
        help_text="What its results say: unknown, active, degraded or error.",
    )
    status_since = BigIntegerField(
        null=True, help_text="Since when it has this status, UTC milliseconds."
    )
    last_seen = BigIntegerField(
        null=True, help_text="When it last answered, UTC milliseconds."
    )

    class Meta:
        """Found by name; of deleted ones by when."""

        table_name = "destinations"
        indexes = ((("name", "deleted_at"), True),)


class Tag(Table):
    """A word that destinations have and jobs ask for; gone when nobody has it."""

    id = BigAutoField(help_text="Number of the tag.")
    name = TextField(unique=True, help_text="The word.")

    class Meta:
        """Few."""

        table_name = "tags"


class DestinationTag(Table):
    """A destination has a tag."""

    destination_id = ForeignKeyField(
        Destination,
        column_name="destination_id",
        index=False,
        help_text="Which destination.",
    )
    tag_id = ForeignKeyField(
        Tag, column_name="tag_id", index=True, help_text="Which tag."
    )

    class Meta:
        """Found from both sides."""

        table_name = "destination_tags"
        primary_key = CompositeKey("destination_id", "tag_id")
        without_rowid = True
