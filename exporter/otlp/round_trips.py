"""Round-trip times of echo requests as exponential histograms.

The board's buckets double from 50 us, and no bound of an exponential histogram is a
multiple of that by a power of two. So these are counted from the times themselves,
which runs bring. Jobs whose history does not keep all results bring not all times: they
have no exponential histogram, and their explicit one is sent instead.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.metrics.export import (
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Metric,
)

from exporter.collectors.base import Family
from exporter.otlp.exponential import Exponential
from exporter.otlp.translating import CUMULATIVE, attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.probing.wire import Plan, Run

NAME: Final = "netprobe.icmp.rtt"
EXPLICIT: Final = "netprobe_icmp_rtt_seconds"
"""The family of the same times with the board's bounds."""
LABELS: Final = ("job_name", "destination", "probe")
_MEANING: Final = "Round-trip times of echo requests that were answered in time."

Who = tuple[str, ...]
Told = list[Family]


class RoundTrips:
    """Counts the times of runs as they end; safe to use from several threads.

    `plan` returns what is worked on, and `begin` is when counting began, in nanoseconds
    since 1970.
    """

    def __init__(self, plan: Callable[[], Plan], begin: int) -> None:
        self._plan = plan
        self._begin = begin
        self._lock = threading.Lock()
        self._known: dict[Who, Exponential] = {}

    def add_run(self, run: Run) -> None:
        """Count the times of a run."""
        if run.job not in self._whole():
            return
        with self._lock:
            for result in run.results:
                times = [time for time in result.rtts if time is not None]
                if result.kind != "icmp" or not times:
                    continue
                who = run.job, result.destination, result.probe
                known = self._known.setdefault(who, Exponential())
                for time in times:
                    known.add(time)

    def of(self, families: Sequence[Family], now: int) -> tuple[list[Metric], Told]:
        """Return what was counted so far, and the families that it leaves to be told.

        Only of what the families have: what is probed no more is forgotten.
        """
        probed = {
            labels[:-2]
            for family in families
            if family.metric.name == EXPLICIT
            for labels, _ in family.samples
        }
        whole = self._whole()
        with self._lock:
            # Where the clock was set back, nothing may begin later than now.
            self._begin = min(self._begin, now)
            if probed:
                self._known = {
                    who: one
                    for who, one in self._known.items()
                    if who in probed and who[0] in whole
                }
            shown = probed & self._known.keys()
            points = [
                _point(who, self._known[who], self._begin, now) for who in sorted(shown)
            ]
        data = ExponentialHistogram(points, CUMULATIVE)
        metrics = [Metric(NAME, _MEANING, "s", data)] if points else []
        return metrics, [_without(family, shown) for family in families]

    def _whole(self) -> set[str]:
        return {job.name for job in self._plan().jobs if job.history == "all"}


def _without(family: Family, told: set[Who]) -> Family:
    if family.metric.name != EXPLICIT or not told:
        return family
    return Family(
        family.metric, [one for one in family.samples if one[0][:-2] not in told]
    )


def _point(
    who: Who, known: Exponential, begin: int, now: int
) -> ExponentialHistogramDataPoint:
    offset, counts = known.dense()
    return ExponentialHistogramDataPoint(
        attributes=attributes(LABELS, who),
        start_time_unix_nano=begin,
        time_unix_nano=now,
        count=known.count,
        sum=known.total,
        scale=known.scale,
        zero_count=known.zeros,
        positive=Buckets(offset, counts),
        negative=Buckets(0, []),
        flags=0,
        min=known.smallest,
        max=known.largest,
    )
