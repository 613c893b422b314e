"""Ends the failures of destinations that are probed no more."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from bridge.events.probes import About
from bridge.probing.keeping import span_of, span_row, view_of, view_row
from bridge.probing.streaks import Status, Streak
from bridge.probing.telling import Teller
from models.queries import stories as kept

if TYPE_CHECKING:
    from bridge.probing.stories import View
    from bridge.telemetry import Telemetry
    from models.database import Database


def leave(db: Database, telemetry: Telemetry, now: float) -> None:
    """End what fails still of destinations that were disabled or deleted.

    They are known no more: results that come when they are enabled again begin anew.
    `now` is UTC seconds. To be called on the writer.
    """
    with db.atomic():
        left = kept.left_failures(db)
        if not left:
            return
        numbers = sorted({row.destination_id for row in left})
        views = {row.key: view_of(row) for row in kept.views_of(db, numbers)}
        since: dict[tuple[int, str], int] = {}
        for row in left:
            span, view = span_of(row), views.get(row.key)
            span.closed = int(span.facts["last"])
            span.facts["stopped"] = True
            if view is not None:
                views[row.key] = replace(view, streak=Streak(), since=None)
            kept.save_spans(db, [span_row(row.key, span)])
            check = row.destination_id, row.probe
            since[check] = min(span.opened, since.get(check, span.opened))
        kept.save_views(db, [view_row(key, view) for key, view in views.items()])
        teller = Teller(db, telemetry, kept.agent_names(db), 0, int(now))
        subjects = kept.subjects(db, numbers)
        of: dict[int, dict[tuple[int, str], View]] = defaultdict(dict)
        for key, view in views.items():
            of[key[0]][key[1:]] = view
        for (number, probe), opened in sorted(since.items()):
            subject = subjects[number]
            about = About(subject.name, subject.host, probe)
            teller.failures(about, number, of[number], opened)
        for number in numbers:
            seen = [view.seen for view in of[number].values() if view.seen is not None]
            last = max(seen, default=None)
            kept.set_status(db, number, Status.UNKNOWN.value, None, last)
