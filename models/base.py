"""What every table shares: the base class and the list of all of them."""

from __future__ import annotations

from peewee import Model


class Table(Model):
    """Base of all tables; bound to a database by `models.database.open_database`."""

    class Meta:
        """Names are given by each table."""

        legacy_table_names = False
        only_save_dirty = True
