"""What is probed by whom and when, and what was found.

Foreign keys tie the small tables together, which stay on one machine; results only hold
numbers of what they are of. Results lie by time and run, so that they are added at the
end and a run, a job and a span of time are found by the key.
"""

from typing import Any

from peewee import Database, SqliteDatabase

_OWNED = """
        origin TEXT NOT NULL,
        revision BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL
"""
_TABLES = {
    "destinations": f"""
        id {{serial}} PRIMARY KEY{{autoincrement}},
        name TEXT NOT NULL,
        deleted_at BIGINT NOT NULL,
        host TEXT NOT NULL,
        display_name TEXT NOT NULL,
        description TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        {_OWNED},
        status TEXT NOT NULL,
        status_since BIGINT,
        last_seen BIGINT
    """,
    "tags": """
        id {serial} PRIMARY KEY{autoincrement},
        name TEXT NOT NULL
    """,
    "destination_tags": """
        destination_id BIGINT NOT NULL REFERENCES destinations (id),
        tag_id BIGINT NOT NULL REFERENCES tags (id),
        PRIMARY KEY (destination_id, tag_id)
    """,
    "jobs": f"""
        id {{serial}} PRIMARY KEY{{autoincrement}},
        name TEXT NOT NULL,
        deleted_at BIGINT NOT NULL,
        description TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        document TEXT NOT NULL,
        {_OWNED}
    """,
    "job_destinations": """
        job_id BIGINT NOT NULL REFERENCES jobs (id),
        destination_id BIGINT NOT NULL REFERENCES destinations (id),
        PRIMARY KEY (job_id, destination_id)
    """,
    "job_tags": """
        job_id BIGINT NOT NULL REFERENCES jobs (id),
        tag_id BIGINT NOT NULL REFERENCES tags (id),
        PRIMARY KEY (job_id, tag_id)
    """,
    "modules": f"""
        id {{serial}} PRIMARY KEY{{autoincrement}},
        name TEXT NOT NULL,
        document TEXT NOT NULL,
        {_OWNED}
    """,
    "maintenance": f"""
        id {{serial}} PRIMARY KEY{{autoincrement}},
        name TEXT NOT NULL,
        document TEXT NOT NULL,
        {_OWNED}
    """,
    "agents": """
        id {serial} PRIMARY KEY{autoincrement},
        name TEXT NOT NULL,
        version TEXT NOT NULL,
        plan TEXT NOT NULL,
        dropped BIGINT NOT NULL,
        first_seen BIGINT NOT NULL,
        last_seen BIGINT NOT NULL
    """,
    "probe_runs": """
        id {serial} PRIMARY KEY{autoincrement},
        agent_id BIGINT NOT NULL,
        job_id BIGINT NOT NULL,
        scheduled_ms BIGINT NOT NULL,
        began_ms BIGINT NOT NULL,
        ended_ms BIGINT NOT NULL,
        state TEXT NOT NULL,
        destinations BIGINT NOT NULL,
        succeeded BIGINT NOT NULL,
        failed BIGINT NOT NULL,
        skipped BIGINT NOT NULL,
        left_alone BIGINT NOT NULL,
        results BIGINT NOT NULL,
        error TEXT NOT NULL,
        marks TEXT NOT NULL,
        received_ms BIGINT NOT NULL,
        evaluated INTEGER NOT NULL
    """,
    "probe_results": """
        scheduled_ms BIGINT NOT NULL,
        run_id BIGINT NOT NULL,
        place INTEGER NOT NULL,
        destination_id BIGINT NOT NULL,
        probe TEXT NOT NULL,
        kind TEXT NOT NULL,
        delay_ms BIGINT NOT NULL,
        seconds {double} NOT NULL,
        reason TEXT NOT NULL,
        message TEXT NOT NULL,
        address TEXT NOT NULL,
        sent BIGINT NOT NULL,
        received BIGINT NOT NULL,
        rtt_mean {double},
        rtt_min {double},
        rtt_max {double},
        rtt_p50 {double},
        rtt_p95 {double},
        jitter {double},
        rtts {blob},
        phases TEXT NOT NULL,
        facts TEXT NOT NULL,
        route TEXT NOT NULL,
        certificate TEXT NOT NULL,
        marks TEXT NOT NULL,
        PRIMARY KEY (scheduled_ms, run_id, place)
    """,
    "routes": """
        hash TEXT NOT NULL PRIMARY KEY,
        hops TEXT NOT NULL,
        first_seen BIGINT NOT NULL,
        last_seen BIGINT NOT NULL
    """,
    "certificates": """
        sha256 TEXT NOT NULL PRIMARY KEY,
        subject TEXT NOT NULL,
        issuer TEXT NOT NULL,
        not_before BIGINT NOT NULL,
        not_after BIGINT NOT NULL,
        facts TEXT NOT NULL,
        first_seen BIGINT NOT NULL,
        last_seen BIGINT NOT NULL
    """,
    "probe_tests": """
        id {serial} PRIMARY KEY{autoincrement},
        agent TEXT NOT NULL,
        destination TEXT NOT NULL,
        host TEXT NOT NULL,
        probe TEXT NOT NULL,
        state TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        finished_at BIGINT,
        result TEXT NOT NULL
    """,
}
_CLUSTERED = ("destination_tags", "job_destinations", "job_tags", "probe_results")
_UNIQUE = {
    "destinations_name_deleted_at": "destinations (name, deleted_at)",
    "tags_name": "tags (name)",
    "jobs_name_deleted_at": "jobs (name, deleted_at)",
    "modules_name": "modules (name)",
    "maintenance_name": "maintenance (name)",
    "agents_name": "agents (name)",
    "probe_runs_job_id_scheduled_ms_agent_id": (
        "probe_runs (job_id, scheduled_ms, agent_id)"
    ),
}
_INDEXES = {
    "destination_tags_tag_id": "destination_tags (tag_id)",
    "job_destinations_destination_id": "job_destinations (destination_id)",
    "job_tags_tag_id": "job_tags (tag_id)",
    "probe_runs_scheduled_ms": "probe_runs (scheduled_ms)",
    "probe_runs_unevaluated": "probe_runs (id) WHERE evaluated = 0",
    "probe_results_destination_id_scheduled_ms": (
        "probe_results (destination_id, scheduled_ms)"
    ),
    "probe_results_failures": "probe_results (scheduled_ms) WHERE reason <> ''",
    "routes_last_seen": "routes (last_seen)",
    "certificates_last_seen": "certificates (last_seen)",
    "probe_tests_created_at": "probe_tests (created_at)",
    "probe_tests_state_agent": "probe_tests (state, agent)",
}
_VIEW = """
    CREATE VIEW results AS
    SELECT
        {time} AS time,
        r.scheduled_ms AS scheduled_ms,
        a.name AS agent,
        j.name AS job,
        d.name AS destination,
        d.host AS host,
        r.probe AS probe,
        r.kind AS kind,
        CASE WHEN r.reason = '' THEN 1 ELSE 0 END AS success,
        r.reason AS reason,
        r.message AS message,
        r.seconds AS seconds,
        r.sent AS sent,
        r.received AS received,
        CASE WHEN r.sent > 0
            THEN 1 - CAST(r.received AS {double}) / r.sent END AS loss,
        COALESCE(r.rtt_min, r.rtt_mean) AS rtt_min,
        r.rtt_mean AS rtt_mean,
        COALESCE(r.rtt_max, r.rtt_mean) AS rtt_max,
        COALESCE(r.rtt_p50, r.rtt_mean) AS rtt_p50,
        COALESCE(r.rtt_p95, r.rtt_mean) AS rtt_p95,
        r.jitter AS jitter,
        r.address AS address,
        r.route AS route,
        r.certificate AS certificate,
        r.marks AS marks,
        r.run_id AS run_id,
        r.place AS place
    FROM probe_results r
    JOIN probe_runs u ON u.id = r.run_id
    JOIN agents a ON a.id = u.agent_id
    JOIN jobs j ON j.id = u.job_id
    JOIN destinations d ON d.id = r.destination_id
"""
_SQLITE = {
    "serial": "INTEGER NOT NULL",
    "autoincrement": " AUTOINCREMENT",
    "double": "REAL",
    "blob": "BLOB",
    "time": "strftime('%Y-%m-%dT%H:%M:%fZ', r.scheduled_ms / 1000.0, 'unixepoch')",
}
_POSTGRES = {
    "serial": "BIGSERIAL NOT NULL",
    "autoincrement": "",
    "double": "DOUBLE PRECISION",
    "blob": "BYTEA",
    "time": "to_char(to_timestamp(r.scheduled_ms / 1000.0) AT TIME ZONE 'UTC', "
    """'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')""",
}


def up(migrator: Any, db: Database) -> None:
    is_sqlite = isinstance(db, SqliteDatabase)
    words = _SQLITE if is_sqlite else _POSTGRES
    for name, columns in _TABLES.items():
        clustered = " WITHOUT ROWID" if is_sqlite and name in _CLUSTERED else ""
        db.execute_sql(f"CREATE TABLE {name} ({columns.format_map(words)}){clustered}")
    for name, columns in _UNIQUE.items():
        db.execute_sql(f"CREATE UNIQUE INDEX {name} ON {columns}")
    for name, columns in _INDEXES.items():
        db.execute_sql(f"CREATE INDEX {name} ON {columns}")
    db.execute_sql(_VIEW.format_map(words))


def down(migrator: Any, db: Database) -> None:
    db.execute_sql("DROP VIEW results")
    for name in reversed(_TABLES):
        db.execute_sql(f"DROP TABLE {name}")
