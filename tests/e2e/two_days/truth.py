"""What two days of samples must be rolled up to, one sample after the other.

Shares no code with the engine: dictionaries, `math.fsum` and loops. The rules are those
of docs/rules.md; their numbers stand where they are kept.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.e2e.two_days.past import Labels, Past

Samples: TypeAlias = "list[tuple[int, float]]"
Bounds: TypeAlias = "tuple[float, ...]"

MINUTE_MS: Final = 60_000
INTERVAL_MS: Final = 15_000
NEAR_MS: Final = 2 * INTERVAL_MS + 1000
"""How long before a first sample a scrape is just before it (R25)."""
BASELINE, NAN, INFINITE, NO_SUM, IMPRECISE = 1, 2, 4, 8, 16
CREATED, APPEARED, LAYOUT = 32, 64, 2048
BUCKET, SUM, COUNT = "_bucket", "_sum", "_count"


@dataclass(slots=True)
class Row:
    """A row as it must be; None stands for NULL."""

    count: int = 0
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    first: float | None = None
    last: float | None = None
    increase: float | None = None
    resets: int = 0
    changes: int = 0
    flags: int = 0
    gap: int = 0
    last_at: int = 0
    buckets: dict[Bounds, dict[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scrape:
    """A histogram family as it stood at a time."""

    at: int
    total: float
    observations: float
    buckets: Mapping[float, float]

    @property
    def bounds(self) -> Bounds:
        return tuple(sorted(self.buckets))


Rows: TypeAlias = "dict[tuple[Labels, int], Row]"
"""By series without its replica, and the window's start in UTC seconds."""


class Chosen:
    """Which replica feeds which target in which minute (R35), and its samples."""

    def __init__(self, past: Past) -> None:
        self._by_minute: dict[Labels, dict[int, Samples]] = {}
        self.scrapes: dict[tuple[Labels, str], list[int]] = {}
        tried: dict[tuple[Labels, int], dict[str, list[bool]]] = defaultdict(dict)
        for labels, samples in past.items():
            target, replica = _target(labels)
            if dict(labels)["__name__"] == "up":
                good = [at for at, value in samples if value == 1]
                self.scrapes[target, replica] = good
                for at, value in samples:
                    each = tried[target, at // MINUTE_MS]
                    each.setdefault(replica, []).append(value == 1)
        self._replica = {key: _chosen(each) for key, each in tried.items()}
        self._raw: dict[tuple[Labels, str], Samples] = {}
        for labels, samples in past.items():
            self._raw[_without(labels, "replica"), _target(labels)[1]] = samples

    def replica(self, labels: Labels, at_ms: int) -> str | None:
        """Return the replica that a series comes from at a time."""
        return self._replica.get((_target(labels)[0], at_ms // MINUTE_MS))

    def samples(self) -> Iterator[tuple[Labels, Samples]]:
        """Yield each series, without its replica, with the samples that count."""
        for labels in dict.fromkeys(name for name, _ in self._raw):
            kept = [
                (at, value)
                for replica in ("a", "b")
                for at, value in self._raw.get((labels, replica), ())
                if self.replica(labels, at) == replica
            ]
            yield labels, sorted(kept)

    def appeared(self, labels: Labels, first_ms: int) -> bool:
        """Whether the target was scraped just before without the series (R25b)."""
        replica = self.replica(labels, first_ms)
        if replica is None:
            return False
        target, _ = _target(labels)
        scrapes = [
            at for at in self.scrapes.get((target, replica), ()) if at < first_ms
        ]
        if not scrapes or scrapes[-1] < first_ms - NEAR_MS:
            return False
        raw = self._raw.get((labels, replica), ())
        return not any(scrapes[-1] <= at < first_ms for at, _ in raw)


def _chosen(tries: Mapping[str, Sequence[bool]]) -> str:
    """Return the first replica with at least half of the best one's good scrapes."""
    for count in (sum, len):
        most = max(count(each) for each in tries.values())
        if most:
            return min(n for n, each in tries.items() if 2 * count(each) >= most)
    raise AssertionError("a minute without scrapes has no entry")


def _target(labels: Labels) -> tuple[Labels, str]:
    said = dict(labels)
    return (("instance", said["instance"]), ("job", said["job"])), said.get(
        "replica", ""
    )


def _without(labels: Labels, *names: str) -> Labels:
    return tuple((name, value) for name, value in labels if name not in names)


def minutes(past: Past) -> Rows:
    """Return all minute rows."""
    chosen = Chosen(past)
    kept = dict(chosen.samples())
    found: Rows = {}
    families: dict[Labels, list[Labels]] = defaultdict(list)
    for labels, samples in kept.items():
        family = _family(labels)
        if family is not None:
            families[family].append(labels)
            continue
        started = dict(kept.get(_renamed(labels, "_total", "_created"), ()))
        found |= _numbers(chosen, labels, samples, started)
    for family, members in families.items():
        found |= _histograms(chosen, family, _scrapes({m: kept[m] for m in members}))
    return found


def _family(labels: Labels) -> Labels | None:
    """Return the histogram that a series is a part of."""
    said = dict(labels)
    name = said["__name__"]
    for suffix in (BUCKET, SUM, COUNT):
        if name.startswith("app_latency_seconds") and name.endswith(suffix):
            said["__name__"] = name.removesuffix(suffix)
            said.pop("le", None)
            return tuple(sorted(said.items()))
    return None


def _renamed(labels: Labels, old: str, new: str) -> Labels:
    said = dict(labels)
    if not said["__name__"].endswith(old):
        return ()
    said["__name__"] = said["__name__"].removesuffix(old) + new
    return tuple(sorted(said.items()))


def _numbers(
    chosen: Chosen, labels: Labels, samples: Samples, started: Mapping[int, float]
) -> Rows:
    counter = dict(labels)["__name__"].endswith("_total")
    rows: Rows = {}
    before: tuple[int, float] | None = None
    steps: dict[int, list[float]] = defaultdict(list)
    values: dict[int, list[float]] = defaultdict(list)
    for at, value in samples:
        minute = at // MINUTE_MS * 60
        row = rows.setdefault((labels, minute), Row())
        if math.isnan(value):
            row.flags |= NAN
            continue
        values[minute].append(value)
        began = round(started[at] * 1000) if at in started else 0
        if counter:
            step, reset, flag = _step(chosen, labels, before, (at, value), began)
            steps[minute].append(step)
            row.resets += reset
            row.flags |= flag | (IMPRECISE if abs(value) >= 2**53 else 0)
        if counter and before and at - before[0] > 2 * INTERVAL_MS:
            row.gap = max(row.gap, at - before[0])
        row.last_at = at
        before = (at, value)
    for minute, said in values.items():
        row = rows[labels, minute]
        _describe(row, said)
        if counter:
            row.increase = math.fsum(steps[minute])
    return rows


def _step(
    chosen: Chosen,
    labels: Labels,
    before: tuple[int, float] | None,
    sample: tuple[int, float],
    began: int,
) -> tuple[float, int, int]:
    """Return what a sample adds, whether it is a reset, and flags (R21-R27)."""
    at, value = sample
    if before is None:
        minute = at // MINUTE_MS * MINUTE_MS
        if 0 < began < at and (began >= minute or began >= at - NEAR_MS):
            return value, 0, CREATED
        if chosen.appeared(labels, at):
            return value, 0, APPEARED
        return 0.0, 0, BASELINE
    if before[0] < began < at or value < before[1]:
        return value, 1, 0
    return value - before[1], 0, 0


def _describe(row: Row, values: Sequence[float]) -> None:
    row.count = len(values)
    row.min, row.max = min(values), max(values)
    row.first, row.last = values[0], values[-1]
    row.changes = sum(a != b for a, b in pairwise(values))
    row.sum = _sum(values)
    if any(math.isinf(value) for value in values):
        row.flags |= INFINITE
    if row.sum is None:
        row.flags |= NO_SUM


def _sum(values: Iterable[float]) -> float | None:
    """Return the sum; None for infinities of both signs (R14)."""
    every = list(values)
    if {math.inf, -math.inf} <= set(every):
        return None
    infinite = [value for value in every if math.isinf(value)]
    return infinite[0] if infinite else math.fsum(every)


def _scrapes(members: Mapping[Labels, Samples]) -> list[Scrape]:
    parts: dict[int, dict[str, float]] = defaultdict(dict)
    buckets: dict[int, dict[float, float]] = defaultdict(dict)
    for labels, samples in members.items():
        said = dict(labels)
        for at, value in samples:
            if "le" in said:
                buckets[at][float(said["le"])] = value
            else:
                parts[at][said["__name__"].rpartition("_")[2]] = value
    return [
        Scrape(at, parts[at]["sum"], parts[at]["count"], buckets[at])
        for at in sorted(parts)
    ]


def _histograms(chosen: Chosen, family: Labels, scrapes: Sequence[Scrape]) -> Rows:
    rows: Rows = {}
    before: Scrape | None = None
    for scrape in scrapes:
        minute = scrape.at // MINUTE_MS * 60
        row = rows.get((family, minute))
        if row is None:
            row = Row(first=scrape.observations, sum=0.0, increase=0.0)
            rows[family, minute] = row
        elif row.last != scrape.observations:
            row.changes += 1
        row.count += 1
        row.last, row.last_at = scrape.observations, scrape.at
        if before is not None and scrape.at - before.at > 2 * INTERVAL_MS:
            row.gap = max(row.gap, scrape.at - before.at)
        _grow(chosen, family, row, before, scrape)
        before = scrape
    return rows


def _grow(
    chosen: Chosen, family: Labels, row: Row, before: Scrape | None, now: Scrape
) -> None:
    """Add what a scrape adds to its family: all of it starts again together (R53)."""
    whole = False
    if before is None:
        member = tuple(
            sorted(
                {
                    **dict(family),
                    "__name__": f"{dict(family)['__name__']}{COUNT}",
                }.items()
            )
        )
        whole = chosen.appeared(member, now.at)
        row.flags |= APPEARED if whole else BASELINE
        if not whole:
            return
        shared, reset = now.bounds, False
        earlier: Mapping[float, float] = {}
        counted, total = 0.0, 0.0
    else:
        shared = tuple(sorted(set(before.bounds) & set(now.bounds)))
        reset = now.observations < before.observations or any(
            now.buckets[bound] < before.buckets[bound] for bound in shared
        )
        if before.bounds != now.bounds:
            row.flags |= LAYOUT
        if reset:
            shared, earlier, counted, total = now.bounds, {}, 0.0, 0.0
        else:
            earlier = before.buckets
            counted, total = before.observations, before.total
    row.resets += reset
    row.increase = (row.increase or 0.0) + now.observations - counted
    row.sum = (row.sum or 0.0) + now.total - total
    segment = row.buckets.setdefault(shared, dict.fromkeys(shared, 0.0))
    for bound in shared:
        segment[bound] += now.buckets[bound] - earlier.get(bound, 0.0)


def merged(rows: Rows, windows: Mapping[int, int]) -> Rows:
    """Return the rows of coarser windows; `windows` names that of each minute."""
    groups: dict[tuple[Labels, int], list[Row]] = defaultdict(list)
    for (labels, minute), row in sorted(rows.items(), key=lambda one: one[0][1]):
        if minute in windows:
            groups[labels, windows[minute]].append(row)
    return {key: _merged(group) for key, group in groups.items()}


def _merged(rows: Sequence[Row]) -> Row:
    found = Row()
    full = [row for row in rows if row.count]
    for row in rows:
        found.flags |= row.flags & ~BASELINE
        found.gap = max(found.gap, row.gap)
    if not full:
        return found
    found.flags |= full[0].flags & BASELINE
    found.count = sum(row.count for row in full)
    found.min = min((row.min for row in full if row.min is not None), default=None)
    found.max = max((row.max for row in full if row.max is not None), default=None)
    found.first, found.last = full[0].first, full[-1].last
    found.last_at = full[-1].last_at
    found.resets = sum(row.resets for row in full)
    found.changes = sum(row.changes for row in full)
    found.changes += sum(a.last != b.first for a, b in pairwise(full))
    sums = [row.sum for row in full]
    known = [one for one in sums if one is not None]
    found.sum = _sum(known) if len(known) == len(sums) else None
    if found.sum is None:
        found.flags |= NO_SUM
    increases = [row.increase for row in full if row.increase is not None]
    found.increase = math.fsum(increases) if increases else None
    for row in full:
        for bounds, counts in row.buckets.items():
            segment = found.buckets.setdefault(bounds, dict.fromkeys(bounds, 0.0))
            for bound, count in counts.items():
                segment[bound] += count
    return found
