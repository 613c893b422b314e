"""Metrics of the prober itself: whether it runs, and how true it measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Metric, distribution
from exporter.prober.cells import ERROR_BOUNDS_NS, Head
from exporter.render import go_float

if TYPE_CHECKING:
    from exporter.prober.view import View

UP: Final = Metric(
    "epimetheus_prober_up", "gauge", "Whether the process that probes runs."
)
RESTARTS: Final = Metric(
    "epimetheus_prober_restarts_total",
    "counter",
    "How often the process that probes ended unasked.",
)
LAG: Final = Metric(
    "epimetheus_prober_loop_lag_seconds",
    "histogram",
    "How late the prober's loop came to a beat of 10 ms.",
)
STAMP_ERROR: Final = Metric(
    "epimetheus_prober_stamp_error_seconds",
    "histogram",
    "Time from the kernel's stamp of a reply until the prober read it.",
)
STARVED: Final = Metric(
    "epimetheus_prober_starved",
    "gauge",
    "Whether tasks on this host wait for CPUs, so that results are marked.",
)
IN_FLIGHT: Final = Metric(
    "epimetheus_prober_in_flight",
    "gauge",
    "Echo requests and other probes that are waited for.",
)
WAITS: Final = Metric(
    "epimetheus_prober_waits_total",
    "counter",
    "Probes that had to wait, as too many were in flight.",
)
TRACES_LEFT_OUT: Final = Metric(
    "epimetheus_prober_traces_left_out_total",
    "counter",
    "Traces of failed destinations that were not made, as too many failed at once.",
)
DATAGRAMS: Final = Metric(
    "epimetheus_prober_datagrams_dropped_total",
    "counter",
    "Echo requests and replies that this host had no room for.",
)
UNTOLD: Final = Metric(
    "epimetheus_prober_messages_dropped_total",
    "counter",
    "Messages of the prober that the exporter did not take in time.",
)
SOCKETS: Final = Metric(
    "epimetheus_prober_sockets",
    "gauge",
    "Open sockets for echo requests.",
    ("family", "kind"),
)
RESOLVER_FAILURES: Final = Metric(
    "epimetheus_resolver_failures_total", "counter", "Names that did not resolve."
)
RESOLVER_CHANGES: Final = Metric(
    "epimetheus_resolver_changes_total",
    "counter",
    "Names that resolved to other addresses than before.",
)

_ERROR_EDGES: Final = (*(go_float(bound / 1e9) for bound in ERROR_BOUNDS_NS), "+Inf")


def itself(view: View) -> list[Family]:
    """Return how the prober is."""
    found = [UP.of(view.up), RESTARTS.of(view.restarts)]
    board, health = view.board, view.health
    if board is not None:
        lag, stamp = board.histogram(Head.LAG), board.histogram(Head.STAMP)
        found += [
            Family(LAG, distribution((), _ERROR_EDGES, lag.counts, lag.total)),
            Family(
                STAMP_ERROR, distribution((), _ERROR_EDGES, stamp.counts, stamp.total)
            ),
            DATAGRAMS.of(int(board.head[Head.DROPPED])),
            UNTOLD.of(int(board.head[Head.UNTOLD])),
        ]
    if health is None:
        return found
    echoes = 0 if board is None else int(board.head[Head.IN_FLIGHT])
    sockets = [(name.split(" "), count) for name, count in health.sockets.items()]
    return [
        *found,
        STARVED.of(health.starved),
        IN_FLIGHT.of(health.in_flight + echoes),
        WAITS.of(health.waits),
        TRACES_LEFT_OUT.of(health.traces_left_out),
        Family(SOCKETS, [((family, kind), count) for (family, kind), count in sockets]),
        RESOLVER_FAILURES.of(health.resolver_failures),
        RESOLVER_CHANGES.of(health.resolver_changes),
    ]
