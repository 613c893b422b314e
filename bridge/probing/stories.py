"""The story of one probe of a destination as one agent sees it, told result by result.

A story is a function of its results in the order of their scheduled times, whatever the
order in which they come: one that is late takes the story back to where it joins it,
and what followed is told again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bridge.probing import paths
from bridge.probing.spans import Kind, Span
from bridge.probing.streaks import Status, Streak

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bridge.probing.sightings import Sighting
    from runtime.probing.jobs import Status as Rules


@dataclass(frozen=True, slots=True)
class View:
    """How an agent sees a probe of a destination; times are UTC milliseconds.

    `began` is the first result that is evidence, `last` the newest of all, `seen` the
    newest success, each None before there is one. `since` is when the streak's status
    began. `interval` is that of the newest result's job, milliseconds.
    """

    streak: Streak = field(default_factory=Streak)
    began: int | None = None
    last: int | None = None
    seen: int | None = None
    since: int | None = None
    interval: int = 60_000


@dataclass(frozen=True, slots=True)
class Terms:
    """What results are judged by; `ahead` are milliseconds before certificates end."""

    rules: Rules
    ahead: int


class Story:
    """Takes results in order and keeps the spans that they begin and end.

    `spans` are those that are known, oldest first: the open ones are enough for results
    that come in order. `changed` are those that differ from what was kept, by kind and
    opening, `begun` the keys of those that are new, `removed` of those that are no
    more, and `doubted` certificates that were shown in such.
    """

    def __init__(self, view: View, spans: Iterable[Span], terms: Terms) -> None:
        self.view = view
        self.spans = sorted(spans, key=lambda span: span.opened)
        self.changed: dict[tuple[Kind, int], Span] = {}
        self.begun: set[tuple[Kind, int]] = set()
        self.removed: set[tuple[Kind, int]] = set()
        self.doubted: set[str] = set()
        self._terms = terms

    def is_late(self, seen: Sighting) -> bool:
        """Whether a result belongs before one that was taken already."""
        return self.view.last is not None and seen.time <= self.view.last

    def awaits(self, job: int) -> bool:
        """Whether a failure lasts that a job saw."""
        span = self._open(Kind.FAILURE)
        return span is not None and job in span.facts["jobs"]

    def joint(self, time: int) -> int:
        """Return from when on results are to be taken again for one of a time.

        A failure that the time falls into is told from its beginning.
        """
        covering = (
            span.opened
            for span in self.spans
            if span.kind is Kind.FAILURE and span.covers(time)
        )
        return min(covering, default=time)

    def go_back(self, time: int) -> None:
        """Forget what was told from a `joint` on; all spans must be known."""
        kept = []
        for span in self.spans:
            if span.opened >= time:
                self.removed.add((span.kind, span.opened))
                if span.kind is Kind.CERTIFICATE:
                    self.doubted.add(span.value)
                self.changed.pop((span.kind, span.opened), None)
                continue
            kept.append(span)
            ended = span.closed is not None and span.closed >= time
            if ended and span.kind is not Kind.FAILURE:
                span.closed = None
                self._note(span)
            if span.kind is Kind.CERTIFICATE and span.closed is None:
                span.facts["due"] = False  # the next result says it again
        self.spans = kept
        began = self.view.began
        if began is None or time <= began:
            self.view = replace(self.view, streak=Streak(), began=None, since=None)
            return
        ends = [
            span.closed
            for span in kept
            if span.kind is Kind.FAILURE
            and span.closed is not None
            and (span.value or span.opened == began)
        ]
        streak = Streak(Status.ACTIVE)
        self.view = replace(self.view, streak=streak, since=max(ends, default=began))

    def take(self, seen: Sighting) -> None:
        """Go on with the next result.

        An implied success counts only while what its job saw fail has not ended.
        """
        if seen.implied and not self.awaits(seen.job):
            return
        last = max(self.view.last or 0, seen.time)
        self.view = replace(self.view, last=last, interval=seen.interval)
        if seen.evidence:
            self._judge(seen)
        if seen.path:
            self._follow(seen)
        if seen.leaf is not None:
            self._look_at(seen)
        self._foresee(seen.time)

    def _judge(self, seen: Sighting) -> None:
        view = self.view
        streak = view.streak.after(self._terms.rules, succeeded=seen.succeeded)
        span = self._open(Kind.FAILURE)
        if not seen.succeeded:
            span = span or self._begin(Span(Kind.FAILURE, seen.time))
            span.count(seen.reason, seen.message, seen.time, seen.job)
            if streak.status in {Status.DEGRADED, Status.ERROR}:
                span.value = streak.status.value
            self._note(span)
        elif span is not None and streak.status is Status.ACTIVE:
            span.closed = seen.time
            span.facts.pop("until", None)
            self._note(span)
        changed = streak.status is not view.streak.status
        self.view = replace(
            view,
            streak=streak,
            began=seen.time if view.began is None else view.began,
            seen=max(view.seen or 0, seen.time) if seen.succeeded else view.seen,
            since=seen.time if changed else view.since,
        )

    def _follow(self, seen: Sighting) -> None:
        span = self._open(Kind.ROUTE)
        known = paths.hops(span.value) if span is not None else ()
        path = seen.path
        if span is not None and paths.agree(known, path):
            path = paths.learned(known, path)
            if path == known:
                return
        self._turn(span, Span(Kind.ROUTE, seen.time, value=paths.joined(path)))

    def _look_at(self, seen: Sighting) -> None:
        leaf, span = seen.leaf, self._open(Kind.CERTIFICATE)
        if leaf is None:
            return
        if span is None or span.value != leaf.sha256:
            facts = {"subject": leaf.subject, "ends": leaf.ends, "due": False}
            new = Span(Kind.CERTIFICATE, seen.time, value=leaf.sha256, facts=facts)
            self._foresee(seen.time)
            self._turn(span, new)

    def _foresee(self, time: int) -> None:
        """Note once that the certificate in use ends soon."""
        span = self._open(Kind.CERTIFICATE)
        if span is None or span.facts["due"]:
            return
        if time >= int(span.facts["ends"]) - self._terms.ahead:
            span.facts["due"] = True
            self._note(span)

    def _turn(self, old: Span | None, new: Span) -> None:
        if old is not None:
            old.closed = new.opened
            self._note(old)
            if (
                old.opened == new.opened
            ):  # two results of one time: the later one counts
                self.spans.remove(old)
        self._begin(new)

    def _open(self, kind: Kind) -> Span | None:
        found = (one for one in reversed(self.spans) if one.kind is kind)
        newest = next(found, None)
        return newest if newest is not None and newest.closed is None else None

    def _begin(self, span: Span) -> Span:
        self.spans.append(span)
        self.begun.add((span.kind, span.opened))
        self._note(span)
        return span

    def _note(self, span: Span) -> None:
        key = (span.kind, span.opened)
        self.changed[key] = span
        self.removed.discard(key)
