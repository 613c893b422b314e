"""What jobs are doing, and when they run next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bridge.probing.entries import JOB, stored
from models.queries import runs
from runtime.probing.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.probing.catalogue import Entry
    from bridge.probing.plans import Everything
    from models.database import Database
    from models.queries.runs import RunRow
    from runtime.probing.jobs import Job
    from runtime.probing.schedule import State


@dataclass(frozen=True, slots=True)
class JobStanding:
    """What a job is doing; times are UTC milliseconds.

    `destinations` are the names of those that are probed, `agents` of those who do it
    and came at least once.
    """

    state: State
    next_run: int | None
    last_run: RunRow | None
    destinations: tuple[str, ...]
    agents: tuple[str, ...]


def schedule_of(document: Mapping[str, Any]) -> Schedule:
    """Return when a stored job runs."""
    return Schedule.of(cast("Job", stored(JOB, document)))


def standing(
    db: Database,
    entry: Entry,
    everything: Everything,
    known: Sequence[str],
    now_ms: int,
) -> JobStanding:
    """Return what a job is doing; `known` are the agents that ever came."""
    document = entry.row.document
    schedule = schedule_of(document)
    probed = {one["name"] for one in everything.destinations if one["enabled"]}
    wanted = document["agents"]
    return JobStanding(
        schedule.state(now_ms),
        schedule.next(now_ms),
        runs.latest(db, entry.row.id),
        tuple(sorted(everything.selected(document) & probed)),
        tuple(agent for agent in known if not wanted or agent in wanted),
    )
