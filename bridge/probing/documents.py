"""What is probed and by whom, as the API and commands tell it.

Times are UTC seconds, settings have the words of config.yaml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bridge.probing.asking import is_here, state_of
from bridge.probing.entries import DESTINATION, JOB, MAINTENANCE, stored
from bridge.probing.schedules import schedule_of
from runtime.probing.schedule import pause_state

if TYPE_CHECKING:
    from bridge.probing.catalogue import Entry
    from bridge.probing.schedules import JobStanding
    from models.queries.agents import AgentRow
    from models.queries.probe_tests import AskedTest
    from models.queries.runs import RunRow
    from runtime.probing.jobs import Maintenance


def seconds(milliseconds: int | None) -> float | None:
    """Return a time as it is told."""
    return None if milliseconds is None else milliseconds / 1000


def entry_document(entry: Entry, now: float) -> dict[str, Any]:
    """Return an entry with all its settings, at a time in UTC seconds."""
    return {
        "name": entry.name,
        "origin": entry.row.origin,
        "revision": entry.row.revision,
        "created_at": entry.row.created_at / 1000,
        "updated_at": entry.row.updated_at / 1000,
        **_known(entry, round(now * 1000)),
        "settings": entry.row.document,
    }


def _known(entry: Entry, now_ms: int) -> dict[str, Any]:
    """Return what else is known of an entry of its kind."""
    if entry.kind is DESTINATION:
        return {
            "status": entry.status,
            "status_since": seconds(entry.row.status_since),
            "last_seen": seconds(entry.row.last_seen),
        }
    if entry.kind is JOB:
        schedule = schedule_of(entry.row.document)
        return {
            "state": schedule.state(now_ms),
            "next_run": seconds(schedule.next(now_ms)),
        }
    if entry.kind is MAINTENANCE:
        pause = cast("Maintenance", stored(MAINTENANCE, entry.row.document))
        return {"state": pause_state(pause, now_ms)}
    return {}


def job_document(name: str, standing: JobStanding) -> dict[str, Any]:
    """Return what a job is doing."""
    last = standing.last_run
    return {
        "name": name,
        "state": standing.state,
        "next_run": seconds(standing.next_run),
        "last_run": None if last is None else run_document(last),
        "destinations": list(standing.destinations),
        "agents": list(standing.agents),
    }


def run_document(row: RunRow) -> dict[str, Any]:
    """Return a run."""
    same = ("id", "agent", "job", "state", "results", "error", "marks")
    counts = ("destinations", "succeeded", "failed", "skipped", "left_alone")
    return {
        **{name: getattr(row, name) for name in (*same, *counts)},
        "time": row.scheduled_ms / 1000,
        "began": row.began_ms / 1000,
        "ended": row.ended_ms / 1000,
        "received": row.received_ms / 1000,
    }


def agent_document(row: AgentRow, now: float) -> dict[str, Any]:
    """Return an agent, at a time in UTC seconds."""
    return {
        "name": row.name,
        "state": "here" if is_here(row, now) else "away",
        "version": row.version,
        "plan": row.plan,
        "dropped": row.dropped,
        "first_seen": row.first_seen / 1000,
        "last_seen": row.last_seen / 1000,
    }


def test_document(test: AskedTest, now: float) -> dict[str, Any]:
    """Return a test with its result, at a time in UTC seconds."""
    result = test.result
    return {
        "id": test.id,
        "state": state_of(test, now),
        "success": None if result is None else not result.get("reason"),
        "agent": test.agent,
        "destination": test.destination,
        "host": test.host,
        "probe": test.probe,
        "created_at": test.created_at / 1000,
        "finished_at": seconds(test.finished_at),
        "result": result,
    }
