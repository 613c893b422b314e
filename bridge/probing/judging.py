"""Judges a batch of runs: one transaction, so that nothing is judged twice or by half.

Whatever the batches are, and in whatever order runs come, the same results end in the
same views, spans and events: a result that comes late takes its story back, and the
events of what changed are told anew.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from heapq import merge
from typing import TYPE_CHECKING, Final

from bridge.events.probes import About
from bridge.probing.hours import note_hours
from bridge.probing.keeping import span_of, span_row, view_of, view_row
from bridge.probing.readings import Reading
from bridge.probing.spans import Kind
from bridge.probing.statuses import counts_until, newest, verdict_of
from bridge.probing.stories import Story, View
from bridge.probing.telling import Teller
from models.queries import stories as kept
from models.queries import unjudged
from models.queries.runs import mark_evaluated

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from bridge.probing.sightings import Sighting
    from bridge.probing.spans import Span
    from bridge.probing.stories import Terms
    from bridge.telemetry import Telemetry
    from models.database import Database
    from models.queries.stories import Key
    from models.queries.unjudged import ResultRow, RunRow

RUNS: Final = 500
"""Runs of a batch at most."""
RESULTS: Final = 5000
"""Results of a batch, beyond which no further run is taken."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a batch was: how many runs and results, and how many of these count."""

    runs: int = 0
    good: int = 0
    bad: int = 0
    ignored: int = 0


class Judging:
    """Judges what waits, a batch at a time."""

    def __init__(self, db: Database, telemetry: Telemetry, terms: Terms) -> None:
        self._db = db
        self._telemetry = telemetry
        self._terms = terms

    def batch(self, now: float, most: int = RUNS) -> Judged:
        """Judge at most `most` runs that wait; `now` is UTC seconds.

        To be called on the writer.
        """
        with self._db.atomic():
            runs = _taken(unjudged.unjudged_runs(self._db, most))
            if not runs:
                return Judged()
            ids = [run.id for run in runs]
            rows = unjudged.results_of_runs(self._db, ids)
            mark_evaluated(self._db, ids)
            reading = Reading.of(self._db, {row.destination_id for row in rows})
            rows = [row for row in rows if row.destination_id in reading.subjects]
            reading.look_up(rows)
            silent = [run for run in runs if run.whole and run.job_id in reading.quiet]
            teller = Teller(
                self._db,
                self._telemetry,
                reading.agents,
                self._terms.ahead,
                int(now),
            )
            _Batch(self._db, reading, self._terms, teller).judge(rows, silent)
            told = (row for row in rows if row.job_id not in reading.quiet)
            note_hours(self._db, told)
        return _counted(len(runs), rows, reading)


@dataclass(slots=True)
class _Destination:
    """What is known of a destination, by view: agent and probe."""

    id: int
    views: dict[tuple[int, str], View] = field(default_factory=dict)
    open: dict[tuple[int, str], list[Span]] = field(default_factory=dict)
    told: dict[tuple[int, str], Story] = field(default_factory=dict)

    def key(self, view: tuple[int, str]) -> Key:
        """Return what a view is called where it is kept."""
        return self.id, *view


class _Batch:
    """The stories that a batch goes on with."""

    def __init__(
        self, db: Database, reading: Reading, terms: Terms, teller: Teller
    ) -> None:
        self._db = db
        self._reading = reading
        self._terms = terms
        self._teller = teller

    def judge(self, rows: Sequence[ResultRow], silent: Sequence[RunRow]) -> None:
        """Go on with all stories, keep them, and tell what changed.

        `silent` are runs that tell of successes by saying nothing.
        """
        new: dict[Key, list[ResultRow]] = defaultdict(list)
        for row in rows:
            new[row.destination_id, row.agent_id, row.probe].append(row)
        for key in self._awaiting(silent):
            new.setdefault(key, [])
        self._reading.know({key[0] for key in new})
        found = self._known()
        for key, results in new.items():
            if key[0] in found:
                self._tell(found[key[0]], key[1:], results, silent)
        for destination in found.values():
            self._outweigh(destination)
        self._save(found.values())
        for destination in found.values():
            self._conclude(destination)

    def _known(self) -> dict[int, _Destination]:
        """Return what is kept of the destinations of the batch."""
        found = {number: _Destination(number) for number in self._reading.subjects}
        for kept_view in kept.views_of(self._db, sorted(found)):
            mine = found[kept_view.destination_id]
            mine.views[kept_view.key[1:]] = view_of(kept_view)
        for span in kept.open_spans(self._db, sorted(found)):
            still = found[span.destination_id].open
            still.setdefault(span.key[1:], []).append(span_of(span))
        return found

    def _awaiting(self, silent: Sequence[RunRow]) -> list[Key]:
        """Return the views whose failures silent runs may end."""
        jobs = {(run.agent_id, run.job_id) for run in silent}
        agents = sorted({agent for agent, _ in jobs})
        failing = kept.open_failures(self._db, agents) if agents else []
        return [
            row.key
            for row in failing
            if any((row.agent_id, job) in jobs for job in span_of(row).facts["jobs"])
        ]

    def _tell(
        self,
        destination: _Destination,
        key: tuple[int, str],
        rows: Sequence[ResultRow],
        silent: Sequence[RunRow],
    ) -> None:
        """Go on with the story of a view."""
        view = destination.views.get(key, View())
        story = Story(view, destination.open.get(key, ()), self._terms)
        told = {row.run_id for row in rows}
        failing = {row.job_id for row in rows if row.reason}
        implied = [
            self._reading.implied(run)
            for run in silent
            if run.agent_id == key[0]
            and run.id not in told
            and (run.job_id in failing or story.awaits(run.job_id))
        ]
        found = [self._reading.sighting(row) for row in sorted(rows, key=_order)]
        seen = sorted([*found, *implied], key=_turn)
        if not seen:
            return
        if story.is_late(seen[0]):
            story = self._told_again(destination.key(key), view, seen)
        else:
            for sighting in seen:
                story.take(sighting)
        destination.told[key] = story
        destination.views[key] = story.view
        destination.open[key] = [span for span in story.spans if span.closed is None]

    def _told_again(self, key: Key, view: View, seen: Sequence[Sighting]) -> Story:
        """Return a story with all results from where a late one joins it."""
        spans = [span_of(row) for row in kept.spans_of_view(self._db, key)]
        story = Story(view, spans, self._terms)
        joint = min(story.joint(one.time) for one in seen if story.is_late(one))
        story.go_back(joint)
        quiet = sorted(self._reading.quiet)
        silent = unjudged.silent_runs(self._db, key, quiet, joint) if quiet else []
        implied = [self._reading.implied(run) for run in silent]
        for sighting in merge(self._sightings(key, joint), implied, key=_turn):
            story.take(sighting)
        return story

    def _sightings(self, key: Key, since: int) -> Iterator[Sighting]:
        for row in unjudged.judged_results(self._db, key, since):
            self._reading.look_up([row])
            yield self._reading.sighting(row)

    def _outweigh(self, destination: _Destination) -> None:
        """Note which open failures are of agents that count no more, or again."""
        latest = newest(destination.views.values())
        for key, view in destination.views.items():
            until = counts_until(view)
            ended = until if until < latest else None
            for span in destination.open.get(key, ()):
                if span.kind is Kind.FAILURE and span.facts.get("until") != ended:
                    span.facts |= {"until": ended}
                    if ended is None:
                        del span.facts["until"]
                    own = Story(view, [span], self._terms)
                    story = destination.told.setdefault(key, own)
                    story.changed[span.kind, span.opened] = span

    def _save(self, destinations: Collection[_Destination]) -> None:
        told = [
            (destination.key(view), story)
            for destination in destinations
            for view, story in destination.told.items()
        ]
        removed = [
            (*key, kind.value, opened)
            for key, story in told
            for kind, opened in story.removed
        ]
        changed = [
            span_row(key, span)
            for key, story in told
            for span in story.changed.values()
        ]
        kept.remove_spans(self._db, removed)
        kept.save_spans(self._db, changed)
        kept.save_views(self._db, [view_row(key, story.view) for key, story in told])

    def _conclude(self, destination: _Destination) -> None:
        """Tell what changed of a destination, and say how it is."""
        subject = self._reading.subjects[destination.id]
        failing: dict[str, list[int]] = defaultdict(list)
        shown: dict[str, set[str]] = {}
        turned: dict[str, list[int]] = defaultdict(list)
        for view, story in destination.told.items():
            about = About(subject.name, subject.host, view[1])
            touched = [*story.changed, *story.removed]
            # What only ended had its event when it began.
            turns = [*story.begun, *story.removed]
            failing[view[1]] += _of(touched, Kind.FAILURE)
            if _of(touched, Kind.CERTIFICATE):
                shown.setdefault(view[1], set()).update(story.doubted)
                turned[view[1]] += _of(turns, Kind.CERTIFICATE)
            if routes := _of(turns, Kind.ROUTE):
                self._teller.routes(about, destination.key(view), min(routes))
        for probe, opened in sorted(failing.items()):
            about = About(subject.name, subject.host, probe)
            if opened:
                since = min(opened)
                self._teller.failures(about, destination.id, destination.views, since)
            if probe in shown:
                turn = min(turned[probe], default=None)
                self._teller.certificates(about, destination.id, turn, shown[probe])
        verdict = verdict_of(destination.views)
        kept.set_status(
            self._db, destination.id, verdict.status.value, verdict.since, verdict.seen
        )


def _of(touched: Iterable[tuple[Kind, int]], kind: Kind) -> list[int]:
    """Return when spans of a kind opened."""
    return [opened for one, opened in touched if one is kind]


def _taken(runs: Sequence[unjudged.RunRow]) -> list[unjudged.RunRow]:
    """Return the first runs, as many as have few enough results, but one at least."""
    taken: list[unjudged.RunRow] = []
    results = 0
    for run in runs:
        results += run.results
        if taken and results > RESULTS:
            break
        taken.append(run)
    return taken


def _turn(seen: Sighting) -> tuple[int, int]:
    return seen.time, seen.job


def _order(row: ResultRow) -> tuple[int, int, int, int]:
    return row.scheduled_ms, row.job_id, row.run_id, row.place


def _counted(runs: int, rows: Sequence[ResultRow], reading: Reading) -> Judged:
    good = sum(not row.reason for row in rows)
    ignored = sum(not reading.sighting(row).evidence for row in rows if row.reason)
    return Judged(runs, good, len(rows) - good - ignored, ignored)
