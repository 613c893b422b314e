"""What every table shares: the base class."""

from __future__ import annotations

from peewee import Model


class Table(Model):
    """Base of all tables; bound to a database by `models.database.open_database`."""

    class Meta:
        """Names are given by each table."""

        legacy_table_names = False
        only_save_dirty = True


def table_name(table: type[Table]) -> str:
    """Return the name of a table as SQL knows it."""
    name: str = table._meta.table_name  # noqa: SLF001 - Peewee's documented way
    return name
