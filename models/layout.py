"""The bounds by which histograms were counted."""

from __future__ import annotations

from peewee import BigIntegerField, TextField

from models.base import Table


class Layout(Table):
    """Upper bounds of a histogram's buckets, which rows name by their id."""

    id = BigIntegerField(
        primary_key=True, help_text="A hash of the bounds, the same in every database."
    )
    bounds = TextField(
        help_text='A JSON list of rising numbers that ends with the text "+Inf".'
    )

    class Meta:
        """One row per layout, few in all."""

        table_name = "layouts"
