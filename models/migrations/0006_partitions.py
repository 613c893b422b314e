"""On PostgreSQL the minutes lie in a partition a day, so that old ones go in no time.

Nothing is copied: the table as it was becomes the partition of all days up to the end
of its newest one, which only has its rows looked at once. Partitions of later days are
made by who writes; what fits none goes to a default one. SQLite stays as it is.
"""

from typing import Any

from peewee import Database, SqliteDatabase

_DAY = 86400
_KEY = "PRIMARY KEY (start, series_id)"
_BASELINE = (
    "CREATE INDEX rollup_minute_baseline ON rollup_minute (start, series_id) "
    "WHERE (flags & 1) = 1"
)
_VIEWS = """
    SELECT DISTINCT c.relname, pg_get_viewdef(c.oid)
    FROM pg_depend d
    JOIN pg_rewrite r ON r.oid = d.objid
    JOIN pg_class c ON c.oid = r.ev_class AND c.relkind = 'v'
    WHERE d.refobjid = 'rollup_minute'::regclass
    ORDER BY c.relname
"""
_GRANTS = """
    SELECT a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC'
        ELSE a.grantee::regrole::text END
    FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.oid = '{table}'::regclass AND a.grantee <> c.relowner
"""


def up(migrator: Any, db: Database) -> None:
    if isinstance(db, SqliteDatabase):
        return
    _refuse_distributed(db)
    views = _drop_views(db)
    grants = _grants(db, "rollup_minute")
    (newest,) = db.execute_sql("SELECT MAX(start) FROM rollup_minute").fetchone()
    _rename(db, "rollup_minute", "rollup_minute_before")
    db.execute_sql(
        "CREATE TABLE rollup_minute (LIKE rollup_minute_before INCLUDING DEFAULTS, "
        f"{_KEY}) PARTITION BY RANGE (start)"
    )
    db.execute_sql(_BASELINE)
    if newest is None:
        db.execute_sql("DROP TABLE rollup_minute_before")
    else:
        end = newest // _DAY * _DAY + _DAY
        db.execute_sql(
            "ALTER TABLE rollup_minute ATTACH PARTITION rollup_minute_before "
            f"FOR VALUES FROM (MINVALUE) TO ({end})"
        )
    db.execute_sql(
        "CREATE TABLE rollup_minute_default PARTITION OF rollup_minute DEFAULT"
    )
    _grant(db, "rollup_minute", grants)
    _create_views(db, views)


def down(migrator: Any, db: Database) -> None:
    if isinstance(db, SqliteDatabase):
        return
    _refuse_distributed(db)
    views = _drop_views(db)
    grants = _grants(db, "rollup_minute")
    (before,) = db.execute_sql("SELECT to_regclass('rollup_minute_before')").fetchone()
    if before is not None:
        db.execute_sql(
            "ALTER TABLE rollup_minute DETACH PARTITION rollup_minute_before"
        )
    _rename(db, "rollup_minute", "rollup_minute_parent")
    if before is not None:
        _rename(db, "rollup_minute_before", "rollup_minute")
    else:
        db.execute_sql(
            "CREATE TABLE rollup_minute (LIKE rollup_minute_parent "
            f"INCLUDING DEFAULTS, {_KEY})"
        )
        db.execute_sql(_BASELINE)
    db.execute_sql("INSERT INTO rollup_minute SELECT * FROM rollup_minute_parent")
    db.execute_sql("DROP TABLE rollup_minute_parent")
    _grant(db, "rollup_minute", grants)
    _create_views(db, views)


def _refuse_distributed(db: Database) -> None:
    (known,) = db.execute_sql("SELECT to_regclass('citus_tables')").fetchone()
    if known is None:
        return
    found = db.execute_sql(
        "SELECT 1 FROM citus_tables WHERE table_name = 'rollup_minute'::regclass"
    ).fetchone()
    if found is not None:
        raise RuntimeError(
            "rollup_minute is distributed: run SELECT undistribute_table("
            "'rollup_minute'), migrate, and distribute it again"
        )


def _rename(db: Database, old: str, new: str) -> None:
    """Rename a table, its key and its other index, whatever that one is called."""
    found = db.execute_sql(
        "SELECT c.relname, i.indisprimary FROM pg_index i "
        "JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = %s::regclass",
        (old,),
    ).fetchall()
    db.execute_sql(f"ALTER TABLE {old} RENAME TO {new}")
    for index, is_key in found:
        name = f"{new}_{'pkey' if is_key else 'baseline'}"
        db.execute_sql(f"ALTER INDEX {index} RENAME TO {name}")


def _drop_views(db: Database) -> list[tuple[str, str, list[tuple[str, str]]]]:
    found = db.execute_sql(_VIEWS).fetchall()
    views = [(name, text, _grants(db, name)) for name, text in found]
    for name, _, _ in views:
        db.execute_sql(f"DROP VIEW {name}")
    return views


def _create_views(
    db: Database, views: list[tuple[str, str, list[tuple[str, str]]]]
) -> None:
    for name, text, grants in views:
        db.execute_sql(f"CREATE VIEW {name} AS {text.replace('%', '%%')}")
        _grant(db, name, grants)


def _grants(db: Database, table: str) -> list[tuple[str, str]]:
    return list(db.execute_sql(_GRANTS.format(table=table)).fetchall())


def _grant(db: Database, table: str, grants: list[tuple[str, str]]) -> None:
    for privilege, grantee in grants:
        db.execute_sql(f"GRANT {privilege} ON {table} TO {grantee}")
