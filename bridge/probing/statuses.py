"""The status of a destination: what all agents that see it make of it together.

A view is the newest state of one probe as one agent sees it. It counts if it is recent:
if its newest result is not older, against the newest of the destination at all, than
three intervals of its job, or five minutes if that is longer. So an agent that fell
silent, and a probe that is made no more, decide nothing, and where all are silent the
last word stands. Of each probe that counts:

* it is in error if all agents that count see it in error;
* degraded if some agent sees it degraded or in error;
* else active if some agent sees it so, and unknown otherwise.

The destination is as ill as the worst of its probes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.probing.streaks import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bridge.probing.stories import View

_INTERVALS: Final = 3
_AT_LEAST: Final = 300_000
"""Milliseconds that a view counts without a new result at least."""
_ILL: Final = (Status.DEGRADED, Status.ERROR)
_BY_BADNESS: Final = (Status.UNKNOWN, Status.ACTIVE, Status.DEGRADED, Status.ERROR)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The status of a destination; times are UTC milliseconds, None if unknown.

    `since` is when the views that make it so turned so, `seen` when it last answered.
    """

    status: Status
    since: int | None
    seen: int | None


def counts_until(view: View) -> int:
    """Return until when a view is recent: when newer results of others outweigh it."""
    return (view.last or 0) + max(_INTERVALS * view.interval, _AT_LEAST)


def newest(views: Iterable[View]) -> int:
    """Return the time of the newest result of any view."""
    return max((view.last or 0 for view in views), default=0)


def verdict_of(views: Mapping[tuple[int, str], View]) -> Verdict:
    """Return the verdict on a destination by its views, by agent and probe."""
    latest = newest(views.values())
    probes: dict[str, list[View]] = defaultdict(list)
    for (_, probe), view in views.items():
        if counts_until(view) >= latest:
            probes[probe].append(view)
    verdicts = [(_of_probe(seen), seen) for seen in probes.values()]
    status = max(
        (one for one, _ in verdicts), key=_BY_BADNESS.index, default=Status.UNKNOWN
    )
    deciding = [seen for one, seen in verdicts if one is status]
    answered = [view.seen for view in views.values() if view.seen is not None]
    return Verdict(status, _since(status, deciding), max(answered, default=None))


def _of_probe(views: Sequence[View]) -> Status:
    statuses = {view.streak.status for view in views}
    if statuses == {Status.ERROR}:
        return Status.ERROR
    if statuses & {*_ILL}:
        return Status.DEGRADED
    return Status.ACTIVE if Status.ACTIVE in statuses else Status.UNKNOWN


def _since(status: Status, probes: Sequence[Sequence[View]]) -> int | None:
    """Return since when probes are so: the first of them, and all that it takes."""

    def of(views: Sequence[View]) -> int:
        if status is Status.DEGRADED:
            return min(view.since or 0 for view in views if view.streak.status in _ILL)
        return max(view.since or 0 for view in views if view.streak.status is status)

    if status is Status.UNKNOWN or not probes:
        return None
    turned = [of(views) for views in probes]
    return max(turned) if status is Status.ACTIVE else min(turned)
