"""What is read of results before they are judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from bridge.probing.sightings import Sighting, is_evidence, leaf_of, path_of
from models.queries.evidence import certificates
from models.queries.stories import (
    agent_names,
    job_documents,
    maintenance_documents,
    subjects,
)
from runtime.probing.jobs import Job, Maintenance
from runtime.probing.schedule import Pauses, concerns
from runtime.quantities import parse_duration

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from models.database import Database
    from models.queries.stories import Subject
    from models.queries.unjudged import ResultRow, RunRow

_DEFAULT_INTERVAL: Final = Job.model_fields["interval"].default


@dataclass(slots=True)
class Reading:
    """Turns rows of results into what is judged; reads what they refer to once.

    `quiet` are jobs that keep failures only: what their runs do not tell of succeeded.
    """

    db: Database
    subjects: dict[int, Subject] = field(default_factory=dict)
    agents: dict[int, str] = field(default_factory=dict)
    quiet: frozenset[int] = frozenset()
    _intervals: dict[int, int] = field(default_factory=dict)
    _pauses: Pauses = field(default_factory=lambda: Pauses(()))
    _owners: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, db: Database, destinations: Collection[int]) -> Reading:
        """Return what reads results of some destinations."""
        documents = [
            {**orjson.loads(document), "name": name}
            for name, document in maintenance_documents(db)
        ]
        jobs = {
            number: orjson.loads(document)
            for number, document in job_documents(db).items()
        }
        intervals = {
            number: round(_interval(job) * 1000) for number, job in jobs.items()
        }
        quiet = frozenset(
            number for number, job in jobs.items() if job.get("history") == "failures"
        )
        pauses = Pauses([Maintenance.model_validate(one) for one in documents])
        known = subjects(db, sorted(destinations))
        return cls(db, known, agent_names(db), quiet, intervals, pauses)

    def know(self, destinations: Collection[int]) -> None:
        """Read more destinations."""
        more = sorted({*destinations} - self.subjects.keys())
        if more:
            self.subjects |= subjects(self.db, more)

    def look_up(self, rows: Sequence[ResultRow]) -> None:
        """Read whose the certificates are that rows refer to."""
        leaves = {row.certificate for row in rows if row.certificate}
        found = certificates(self.db, sorted(leaves - self._owners.keys()))
        self._owners |= {name: one.subject for name, one in found.items()}

    def sighting(self, row: ResultRow) -> Sighting:
        """Return what a row says; what it refers to was looked up."""
        facts: dict[str, Any] = orjson.loads(row.facts) if row.facts else {}
        return Sighting(
            row.scheduled_ms,
            row.reason,
            row.message,
            is_evidence(
                row.reason, row.marks.split(","), left_alone=self._left_alone(row)
            ),
            self._intervals.get(row.job_id, round(_DEFAULT_INTERVAL * 1000)),
            path_of(facts) if row.route else (),
            leaf_of(row.certificate, self._owners.get(row.certificate, ""), facts),
            row.job_id,
        )

    def implied(self, run: RunRow) -> Sighting:
        """Return what a run says of a destination that it has no result of."""
        interval = self._intervals.get(run.job_id, round(_DEFAULT_INTERVAL * 1000))
        return Sighting(
            run.scheduled_ms, interval=interval, job=run.job_id, implied=True
        )

    def _left_alone(self, row: ResultRow) -> bool:
        subject = self.subjects.get(row.destination_id)
        if not row.reason or subject is None:
            return False
        return any(
            concerns(one, subject.name, subject.tags)
            for one in self._pauses.at(row.scheduled_ms)
        )


def _interval(document: dict[str, Any]) -> float:
    told = document.get("interval", _DEFAULT_INTERVAL)
    return parse_duration(told) if isinstance(told, str) else float(told)
