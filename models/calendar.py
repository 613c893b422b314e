"""Calendars and their days: rollups by the clocks of a time zone."""

from __future__ import annotations

from peewee import BigIntegerField, CompositeKey, TextField

from models.base import Table
from models.rollup import Rollup


class Calendar(Table):
    """A time zone in which days are kept, or were."""

    name = TextField(primary_key=True, help_text="Name in config.yaml.")
    zone = TextField(help_text="Name of the zone in the tz database.")
    rules = TextField(
        help_text="By which rules of the zone the rows were made: since which dates "
        "days begin how many seconds after midnight UTC."
    )
    state = TextField(
        help_text="kept, or retired: no longer in config.yaml, and its days stay as "
        "they are."
    )
    changed_at = BigIntegerField(help_text="When this was written, UTC seconds.")

    class Meta:
        """One row per calendar, few in all."""

        table_name = "calendars"


class RollupLocalDay(Rollup):
    """A local day of a series, `[start, until)`.

    As long as it really was where clocks change. Days of no length have no rows.
    """

    calendar = TextField(help_text="The calendar, `calendars.name`.")
    day = TextField(help_text="The local date, as in 2026-11-21.")
    until = BigIntegerField(help_text="First second after the day, UTC.")

    class Meta:
        """Clustered by series."""

        table_name = "rollup_local_day"
        primary_key = CompositeKey("series_id", "calendar", "start")
        without_rowid = True
