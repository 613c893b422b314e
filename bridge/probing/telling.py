"""Which events there are of what lasts, put in the place of those told before.

Events are made of all spans that they are about, so that they are the same whichever
result was judged last.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from bridge.events import probes as told
from bridge.probing.episodes import Seen, episodes, events_of, seen_of
from bridge.probing.keeping import span_of
from bridge.probing.paths import agree, hops, written
from bridge.probing.spans import Kind
from bridge.probing.statuses import counts_until, newest
from models.queries.events import EventRow, replace_alike
from models.queries.stories import spans_of, spans_of_view

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from bridge.events.event import Event
    from bridge.events.probes import About
    from bridge.probing.spans import Span
    from bridge.probing.stories import View
    from bridge.telemetry import Telemetry
    from models.database import Database
    from models.queries.stories import Key

Views: TypeAlias = "Mapping[tuple[int, str], View]"


@dataclass(frozen=True, slots=True)
class Teller:
    """Writes events as part of a transaction; `ahead` are milliseconds."""

    db: Database
    telemetry: Telemetry
    agents: Mapping[int, str]
    ahead: int
    now: int

    def failures(
        self, about: About, destination: int, views: Views, since: int
    ) -> None:
        """Tell of the failures of a probe that did not end before `since`."""
        since, seen = self._seen(about.probe, destination, views, since)
        events = [
            event for episode in episodes(seen) for event in events_of(about, episode)
        ]
        for recorder in (told.FAILED, told.RECOVERED):
            mine = [event for event in events if event.detector == recorder]
            self.put([told.prints(recorder, about)], since, mine)

    def _seen(
        self,
        probe: str,
        destination: int,
        views: Views,
        since: int,
    ) -> tuple[int, list[Seen]]:
        """Return the failures that hang together from `since` on, and since when."""
        latest = newest(views.values())
        while True:
            seen = []
            for row in spans_of(self.db, destination, Kind.FAILURE, since):
                span, view = span_of(row), views.get((row.agent_id, row.probe))
                if row.probe != probe or not span.value:
                    continue
                until = latest if view is None else counts_until(view)
                one = seen_of(self.agents.get(row.agent_id, "?"), span, until, latest)
                if one.ended is None or one.ended >= since:
                    seen.append(one)
            first = min((one.span.opened for one in seen), default=since)
            if first >= since:
                return since, seen
            since = first

    def routes(self, about: About, key: Key, since: int) -> None:
        """Tell of the changes of a view's path from `since` on."""
        agent = self.agents.get(key[1], "?")
        spans = [
            span_of(row)
            for row in spans_of_view(self.db, key)
            if row.kind == Kind.ROUTE
        ]
        events = [
            told.route_event(
                about,
                new.opened,
                agent,
                written(hops(old.value)),
                written(hops(new.value)),
                known=any(
                    agree(hops(one.value), hops(new.value)) for one in spans[:place]
                ),
            )
            for place, (old, new) in enumerate(pairwise(spans))
            if new.opened >= since and not agree(hops(old.value), hops(new.value))
        ]
        self.put([told.prints(told.ROUTE_CHANGED, about, agent)], since, events)

    def certificates(
        self,
        about: About,
        destination: int,
        since: int | None,
        doubted: Collection[str] = (),
    ) -> None:
        """Tell of the certificates of a destination that `about.probe` was shown.

        Since when there are other ones is `since`, None if there are not: what was told
        before may be of spans that are kept no more. `doubted` are certificates of
        which something was told that may be so no more.
        """
        rows = spans_of(self.db, destination, Kind.CERTIFICATE)
        mine = [
            (row.agent_id, span_of(row)) for row in rows if row.probe == about.probe
        ]
        changes, shown = [], set()
        before: dict[int, tuple[str, str]] = {}
        for agent, span in mine:
            leaf = (span.value, str(span.facts["subject"]))
            if agent in before and span.value not in shown:
                changes.append(
                    told.certificate_changed_event(
                        about, span.opened, before[agent], leaf
                    )
                )
            shown.add(span.value)
            before[agent] = leaf
        if since is not None:
            late = [event for event in changes if event.time >= since]
            self.put([told.prints(told.CERTIFICATE_CHANGED, about)], since, late)
        self._expiring(about.whole, [span_of(row) for row in rows], doubted)

    def _expiring(
        self, about: About, spans: Sequence[Span], doubted: Collection[str]
    ) -> None:
        shown: dict[str, list[Span]] = defaultdict(list)
        for span in spans:
            shown[span.value].append(span)
        events = []
        for sha256, same in shown.items():
            if not any(span.facts["due"] for span in same):
                continue
            ends = int(same[0].facts["ends"])
            closed = [span.closed for span in same if span.closed is not None]
            events.append(
                told.certificate_expiring_event(
                    about,
                    max(ends - self.ahead, same[0].opened),
                    (sha256, str(same[0].facts["subject"])),
                    ends,
                    max(closed) if len(closed) == len(same) else None,
                )
            )
        prints = [
            told.prints(told.CERTIFICATE_EXPIRING, about, one)
            for one in sorted({*shown, *doubted})
        ]
        self.put(prints, 0, events)

    def put(self, prints: Sequence[str], since: int, events: Iterable[Event]) -> None:
        """Put events in the place of those of the same kinds from `since` on."""
        rows = [EventRow(**asdict(event), recorded_at=self.now) for event in events]
        if not prints:
            return
        more = replace_alike(self.db, told.SOURCE, prints, since, rows)
        if more:
            self.telemetry.events.labels(rows[-1].detector).inc(more)
