"""Traffic of network interfaces and what went wrong with it."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Graph, Limits, Query, bad_from


def _both_ways(
    title: str, unit: str, description: str, field: str, limits: Limits = ()
) -> Graph:
    def one_way(way: str) -> str:
        name = f"node_network_{way}_{field}_total"
        return f"rate({name}{{$target}}[$__rate_interval])"

    return Graph(
        title,
        unit,
        f"{description}; sent is drawn downwards.",
        (
            Query(one_way("receive"), "{{device}} received"),
            Query(one_way("transmit"), "{{device}} sent", mirrored=True),
        ),
        limits,
    )


ROW = Row(
    "Network",
    (
        _both_ways("Traffic", "Bps", "Bytes received and sent", "bytes"),
        _both_ways("Packets", "pps", "Packets received and sent", "packets"),
        _both_ways("Errors", "pps", "Packets that were damaged", "errs", bad_from(1)),
        _both_ways(
            "Drops",
            "pps",
            "Packets dropped by the kernel, mostly for want of buffers or of "
            "anyone interested",
            "drop",
            bad_from(10),
        ),
    ),
)
