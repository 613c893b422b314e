"""Echo requests of jobs in the vocabulary of smokeping_prober, for its dashboards.

Its series know no jobs: what several jobs or modules send to one address in the same
way is added up. Requests are counted once they are answered or given up, so that loss
is `1 - rate(..._count) / rate(requests_total)` without those in flight.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Metric, distribution
from exporter.prober.cells import BOUNDS_NS, BUCKETS, Cell
from exporter.render import go_float
from runtime.probing.jobs import BUILT_IN
from runtime.probing.probes import IcmpProbe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from exporter.prober.cells import Snapshot
    from exporter.prober.view import View

    Numbers = NDArray[np.int64]

_LABELS: Final = ("ip", "host", "source", "tos")


def _counter(name: str, text: str) -> Metric:
    return Metric(f"smokeping_{name}_total", "counter", text, _LABELS)


COUNTERS: Final = {
    _counter("requests", "Number of ping requests sent"): (Cell.REQUESTS,),
    _counter("response_duplicates", "The number of duplicated response packets."): (
        Cell.DUPLICATES,
    ),
    _counter("receive_errors", "The number of errors when receiving packets."): (
        Cell.CORRUPT,
        Cell.WRONG_SOURCE,
    ),
    _counter("send_errors", "The number of errors when sending packets."): (
        Cell.SEND_ERRORS,
    ),
}
DURATION: Final = Metric(
    "smokeping_response_duration_seconds",
    "histogram",
    "A histogram of latencies for ping responses.",
    _LABELS,
)
TTL: Final = Metric(
    "smokeping_response_ttl", "gauge", "The last response Time To Live (TTL).", _LABELS
)

_EDGES: Final = (*(go_float(bound / 1e9) for bound in BOUNDS_NS), "+Inf")
_BUCKETS: Final = slice(int(Cell.BUCKET), int(Cell.BUCKET) + BUCKETS)


def families(view: View | None) -> list[Family]:
    """Return what was counted so far; nothing where no echo request was ever sent."""
    found = {} if view is None or view.board is None else _added_up(view, view.board)
    known = found.items()
    return [
        *(
            Family(
                metric,
                [(who, sum(int(row[cell]) for cell in cells)) for who, row in known],
            )
            for metric, cells in COUNTERS.items()
        ),
        Family(
            DURATION,
            [
                sample
                for who, row in known
                for sample in distribution(
                    who, _EDGES, row[_BUCKETS].tolist(), row[Cell.SUM_NS] / 1e9
                )
            ],
        ),
        Family(
            TTL,
            [
                (who, int(row[Cell.LAST_TTL]))
                for who, row in known
                if row[Cell.LAST_TTL] >= 0
            ],
        ),
    ]


def _added_up(view: View, board: Snapshot) -> dict[tuple[str, ...], Numbers]:
    """Return the counters of the board by labels; none of what never had an address."""
    modules = {**BUILT_IN, **{module.name: module for module in view.plan.modules}}
    hosts = {one.name: one.host for one in view.plan.destinations}
    found: dict[tuple[str, ...], Numbers] = {}
    for row in view.rows:
        host = hosts.get(row.destination, row.destination)
        ip = view.addresses.get(row.destination) or _literal(host)
        module = modules.get(row.probe)
        if not isinstance(module, IcmpProbe) or not ip or row.row >= len(board.rows):
            continue
        host = re.sub("//[^/]*@", "//", host)  # a URL may hold a password
        who = (ip, host, module.source, str(module.dscp << 2))
        cells = board.rows[row.row]
        found[who] = _sum(found[who], cells) if who in found else cells
    return found


def _sum(one: Numbers, other: Numbers) -> Numbers:
    ttl = max(one[Cell.LAST_TTL], other[Cell.LAST_TTL])
    both: Numbers = one + other
    both[Cell.LAST_TTL] = ttl
    return both


def _literal(host: str) -> str:
    """Return the address that a host is, '' for a name."""
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return ""
