"""Failures as events: what several agents see at the same time is one of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.events.probes import failed_event, recovered_event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bridge.events.event import Event
    from bridge.events.probes import About
    from bridge.probing.spans import Span


@dataclass(frozen=True, slots=True)
class Seen:
    """A failure as an agent saw it.

    `ended` is when it ended, None while it lasts; `proved` is whether a success ended
    it, and not only that the agent tells nothing any more.
    """

    agent: str
    span: Span
    ended: int | None
    proved: bool


def seen_of(agent: str, span: Span, counts_until: int, newest: int) -> Seen:
    """Return a failure as it is now: open ones end where their agent counts no more."""
    if span.closed is not None:
        return Seen(agent, span, span.closed, proved=not span.facts.get("stopped"))
    if newest > counts_until:
        return Seen(agent, span, counts_until, proved=False)
    return Seen(agent, span, None, proved=True)


def episodes(seen: Iterable[Seen]) -> Iterator[list[Seen]]:
    """Yield failures that overlap together, oldest first."""
    together: list[Seen] = []
    end: int | None = 0
    for one in sorted(seen, key=lambda each: (each.span.opened, each.agent)):
        if together and end is not None and one.span.opened > end:
            yield together
            together = []
        if not together:
            end = one.ended
        elif end is not None:
            end = None if one.ended is None else max(end, one.ended)
        together.append(one)
    if together:
        yield together


def events_of(about: About, together: Sequence[Seen]) -> list[Event]:
    """Return the events of an episode: that it failed and, once it ended, its end."""
    reasons: Counter[str] = Counter()
    for one in together:
        reasons.update(one.span.facts["reasons"])
    first = together[0].span
    ends = [one.ended for one in together if one.ended is not None]
    closed = max(ends) if len(ends) == len(together) else None
    agents = sorted({one.agent for one in together})
    events = [
        failed_event(
            about,
            (first.opened, closed),
            dict(sorted(reasons.items())),
            (first.facts["reason"], first.facts["message"]),
            agents,
        )
    ]
    if closed is not None:
        proved = any(one.proved for one in together if one.ended == closed)
        ended = recovered_event(about, first.opened, closed, agents, proved=proved)
        events.append(ended)
    return events
