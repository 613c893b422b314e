"""How full the table of tracked connections is, and what became of lookups in it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Host, Metric, NothingHere

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

ENTRIES = Metric(
    "node_nf_conntrack_entries",
    "gauge",
    "Number of currently allocated flow entries for connection tracking.",
)
LIMIT = Metric(
    "node_nf_conntrack_entries_limit",
    "gauge",
    "Maximum size of connection tracking table.",
)


def _gauge(name: str, text: str) -> Metric:
    return Metric(f"node_nf_conntrack_stat_{name}", "gauge", text)


STATISTICS: Final = {
    "found": _gauge("found", "Number of searched entries which were successful."),
    "invalid": _gauge("invalid", "Number of packets seen which can not be tracked."),
    "ignore": _gauge(
        "ignore",
        "Number of packets seen which are already connected to a conntrack entry.",
    ),
    "insert": _gauge("insert", "Number of entries inserted into the list."),
    "insert_failed": _gauge(
        "insert_failed",
        "Number of entries for which list insertion was attempted but failed.",
    ),
    "drop": _gauge("drop", "Number of packets dropped due to conntrack failure."),
    "early_drop": _gauge(
        "early_drop",
        "Number of dropped conntrack entries to make room for new ones, if maximum "
        "table size was reached.",
    ),
    "search_restart": _gauge(
        "search_restart",
        "Number of conntrack table lookups which had to be restarted due to hashtable "
        "resizes.",
    ),
}
"""Metrics by column of /proc/net/stat/nf_conntrack, which has a line for each CPU."""
_FOLDER: Final = "sys/net/netfilter/nf_conntrack"


class Conntrack:
    """Reads the table's size and its statistics, where connections are tracked."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return entries, their limit, and the statistics of all CPUs together."""
        try:
            families = [
                ENTRIES.of(int(self._host.proc(f"{_FOLDER}_count"))),
                LIMIT.of(int(self._host.proc(f"{_FOLDER}_max"))),
            ]
        except FileNotFoundError as error:
            raise NothingHere("connections are not tracked") from error
        with suppress(FileNotFoundError):
            families += _statistics(self._host.proc("net/stat/nf_conntrack"))
        return families


def _statistics(text: str) -> list[Family]:
    head, *lines = text.splitlines()
    names = head.split()
    rows = [[int(word, 16) for word in line.split()] for line in lines]
    totals = dict(zip(names, map(sum, zip(*rows, strict=True)), strict=True))
    return [
        metric.of(totals[name]) for name, metric in STATISTICS.items() if name in totals
    ]
