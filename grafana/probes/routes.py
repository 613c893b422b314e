"""The way to destinations, and what happens on it."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.grids import Table
from grafana.probes.selectors import NAMED, PROBE, WHO, increase, worst
from grafana.shapes import Graph, Query

_HOP = f"{WHO}, ttl"
_OF_HOP = "{{destination}} hop {{ttl}} ({{instance}})"

ROW = Row(
    "Routes",
    (
        Graph(
            "Changes of the way",
            "none",
            "How often a trace found another way than the one before.",
            (Query(increase("netprobe_route_changes_total"), NAMED),),
            stacked=True,
        ),
        Graph(
            "Hops",
            "none",
            "Length of the way that was traced last.",
            (Query(worst("netprobe_route_hops"), NAMED),),
        ),
        Graph(
            "Round trip to each hop",
            "s",
            "Mean round trip to each hop of the way that was traced last.",
            (Query(worst("netprobe_hop_rtt_seconds", by=_HOP), _OF_HOP),),
        ),
        Graph(
            "Loss of each hop",
            "percentunit",
            "Share of packets that a hop did not answer. Routers answer few on "
            "purpose: loss counts where all later hops have it, too.",
            (Query(worst("netprobe_hop_loss_ratio", by=_HOP), _OF_HOP),),
            maximum=1,
        ),
        Table(
            "Ways now",
            "none",
            "The way that was traced last, as a hash of its hops; the API tells them.",
            (
                Query(
                    f"count by ({WHO}, route) (netprobe_route_info{{{PROBE}}})",
                    NAMED,
                    shape="table",
                ),
            ),
            ("destination", "probe", "instance", "route"),
            decimals=0,
        ),
    ),
)
