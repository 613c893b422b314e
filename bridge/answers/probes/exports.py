"""Results as files of text: CSV and JSON, however many there are.

Both are written as they are read, so neither has a limit. Times are RFC 3339 in UTC
with milliseconds, durations seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import orjson

from bridge.answers.writing import csv_text, harmless
from models.queries import results

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.database import Database
    from models.queries.results import Picked, ResultRow

COLUMNS: Final = (
    "time",
    "began",
    "agent",
    "job",
    "destination",
    "probe",
    "kind",
    "success",
    "reason",
    "message",
    "address",
    "seconds",
    "sent",
    "received",
    "loss",
    "rtt_min",
    "rtt_mean",
    "rtt_max",
    "rtt_p50",
    "rtt_p95",
    "jitter",
    "rtts",
    "phases",
    "facts",
    "route",
    "certificate",
    "marks",
    "run",
    "place",
)
"""Columns of a table of results, in their order."""
TIMES: Final = frozenset({"time", "began"})
"""Those that are times, UTC milliseconds in `record`."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE: Final = 500


def instant(milliseconds: int) -> datetime:
    """Return UTC milliseconds as a datetime, without a rounding."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def told(milliseconds: int) -> str:
    """Return UTC milliseconds as RFC 3339."""
    text = instant(milliseconds).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def record(row: ResultRow) -> dict[str, Any]:
    """Return a result by the names of the columns; lists and objects as they are."""
    return {
        "time": row.scheduled_ms,
        "began": row.began_ms,
        "agent": row.agent,
        "job": row.job,
        "destination": row.destination,
        "probe": row.probe,
        "kind": row.kind,
        "success": row.succeeded,
        "reason": row.reason,
        "message": row.message,
        "address": row.address,
        "seconds": row.seconds,
        "sent": row.sent,
        "received": row.received,
        "loss": 1 - row.received / row.sent if row.sent else None,
        "rtt_min": row.rtt_min,
        "rtt_mean": row.rtt_mean,
        "rtt_max": row.rtt_max,
        "rtt_p50": row.rtt_p50,
        "rtt_p95": row.rtt_p95,
        "jitter": row.jitter,
        "rtts": row.rtts,
        "phases": row.phases,
        "facts": row.facts,
        "route": row.route,
        "certificate": row.certificate,
        "marks": row.marks,
        "run": row.run_id,
        "place": row.place,
    }


def cell(value: object) -> object:
    """Return a value of a record as a cell of a table: text, a number or nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, tuple | dict):
        return orjson.dumps(value).decode() if value else ""
    return "" if value is None else value


def to_csv(db: Database, of: Picked) -> Iterator[str]:
    """Yield results as RFC 4180 text, oldest first: a header, then a line for each.

    Text that a spreadsheet would take for a formula gets a leading apostrophe; lists
    and objects are JSON.
    """
    yield csv_text([COLUMNS])
    for rows in _batches(db, of):
        yield csv_text([_line(row) for row in rows])


def to_json(db: Database, of: Picked) -> Iterator[bytes]:
    """Yield results as one JSON document, oldest first: a list under `results`."""
    yield b'{"results":['
    separator = b""
    for rows in _batches(db, of):
        listed = (_document(row) for row in rows)
        yield separator + b",".join(map(orjson.dumps, listed))
        separator = b","
    yield b"]}"


def _document(row: ResultRow) -> dict[str, Any]:
    found = record(row)
    return found | {name: told(found[name]) for name in TIMES}


def _line(row: ResultRow) -> list[object]:
    found = _document(row)
    return [cell(found[name]) for name in COLUMNS]


def _batches(db: Database, of: Picked) -> Iterator[list[ResultRow]]:
    rows = results.stream(db, of)
    while batch := list(islice(rows, _AT_ONCE)):
        yield batch
