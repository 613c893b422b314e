"""Hours of echo requests by what was scraped of the exporters that made them.

Counters of all jobs and instances that probe the same are added up, and round-trip
times are in the buckets of histograms, whose median is estimated as everywhere.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from bridge.probing.baselines import Figures
from bridge.rollup.buckets import classic
from bridge.rollup.buckets.blobs import Kind, merge, parts
from bridge.rollup.buckets.quantiles import quantile
from models.queries.buckets import read_buckets
from models.queries.layouts import bounds_of
from models.queries.rollups import series_rows
from models.queries.selection import candidates
from models.rollup import RollupHour

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from models.database import Database

Check: TypeAlias = tuple[int, str]
"""A destination by its number, and a probe by its name."""
Members: TypeAlias = "Mapping[str, Sequence[int]]"
"""The series that a check is counted in, by metric."""

SENT: Final = "netprobe_icmp_requests_total"
RECEIVED: Final = "netprobe_icmp_replies_total"
TIMES: Final = "netprobe_icmp_rtt_seconds"
_HOUR: Final = 3600
_MEDIAN: Final = 0.5


def checks_of(
    db: Database,
    sources: Collection[str],
    jobs: Collection[str],
    destinations: Mapping[str, int],
    since: int,
) -> dict[Check, Members]:
    """Return what some jobs check, and the series that it is counted in.

    Series of other sources, of destinations that are not among those named, and such
    as had no samples since a time, UTC seconds, are left out.
    """
    found: dict[Check, dict[str, list[int]]] = {}
    for row in candidates(db, metrics=(SENT, RECEIVED, TIMES)):
        number = destinations.get(row.labels.get("destination", ""))
        probe = row.labels.get("probe", "")
        if number is None or not probe or row.labels.get("job_name") not in jobs:
            continue
        if row.source in sources and row.last_seen >= since:
            members = found.setdefault((number, probe), defaultdict(list))
            members[row.metric].append(row.id)
    return dict(found)


def figures_at(
    db: Database, checks: Mapping[Check, Members], start: int
) -> dict[Check, Figures]:
    """Return the figures of an hour that begins at a UTC second.

    Checks by which nothing was sent are left out.
    """
    counted = _increases(db, _all(checks, (SENT, RECEIVED)), start)
    medians = _medians(db, checks, start)
    found = {}
    for check, members in checks.items():
        sent, received = (
            round(sum(counted.get(one, 0.0) for one in members.get(metric, ())))
            for metric in (SENT, RECEIVED)
        )
        if sent:
            # Where a reset was seen of one counter only, more seem to come than went.
            found[check] = Figures(sent, min(received, sent), medians.get(check))
    return found


def _increases(db: Database, ids: Sequence[int], start: int) -> dict[int, float]:
    rows = series_rows(db, RollupHour, np.array(ids, np.int64), start, start + _HOUR)
    pairs = zip(rows.series_id.tolist(), rows.increase.tolist(), strict=True)
    return {number: grown for number, grown in pairs if not math.isnan(grown)}


def _medians(
    db: Database, checks: Mapping[Check, Members], start: int
) -> dict[Check, float]:
    ids = np.array(_all(checks, (TIMES,)), np.int64)
    hour = range(start, start + _HOUR, _HOUR)
    blobs = {
        row.series_id: row.buckets for row in read_buckets(db, RollupHour, ids, hour)
    }
    several = {
        check: [blobs[one] for one in members.get(TIMES, ()) if one in blobs]
        for check, members in checks.items()
    }
    known = [check for check, found in several.items() if found]
    merged = merge([several[check] for check in known])
    bounds = bounds_of(db, sorted(_layouts(merged)))
    medians = {
        check: quantile(_MEDIAN, blob, bounds).value
        for check, blob in zip(known, merged, strict=True)
    }
    return {check: value for check, value in medians.items() if math.isfinite(value)}


def _layouts(blobs: Iterable[bytes]) -> set[int]:
    return {
        layout
        for blob in blobs
        for part in parts(blob)
        if part[0] == Kind.CLASSIC
        for layout in classic.layouts(part)
    }


def _all(checks: Mapping[Check, Members], metrics: Sequence[str]) -> list[int]:
    return [
        number
        for members in checks.values()
        for metric in metrics
        for number in members.get(metric, ())
    ]
