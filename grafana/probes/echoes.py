"""Echo requests: how long, how evenly, and how many are lost."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.grids import Heatmap
from grafana.probes.selectors import NAMED, PROBE, increase, quantile, rate, worst
from grafana.shapes import Graph, Query, warn

_RTT = "netprobe_icmp_rtt_seconds"
_OF_AGENT = "destination, instance"

ROW = Row(
    "Round trips",
    (
        Heatmap(
            "Round trips of echo requests",
            "s",
            "How many echo requests were answered how fast: a dark line is a steady "
            "way, smoke above it is jitter. Choose one destination.",
            (
                Query(
                    increase(f"{_RTT}_bucket", by="le"),
                    "{{le}}",
                    shape="heatmap",
                ),
            ),
        ),
        Graph(
            "Percentiles",
            "s",
            "From each vantage point, half, 90 % and 99 % of the echo requests were "
            "answered sooner.",
            tuple(
                Query(
                    quantile(share, _RTT, PROBE, _OF_AGENT),
                    f"{{{{destination}}}} ({{{{instance}}}}) {word}",
                )
                for share, word in (
                    ("0.5", "median"),
                    ("0.9", "90 %"),
                    ("0.99", "99 %"),
                )
            ),
        ),
        Graph(
            "Loss over time",
            "percentunit",
            "Share of echo requests that were not answered in time, from each vantage "
            "point.",
            (
                Query(
                    f"1 - {rate('netprobe_icmp_replies_total')}"
                    f" / {rate('netprobe_icmp_requests_total')}",
                    NAMED,
                ),
            ),
            warn(0.01, 0.05),
            maximum=1,
        ),
        Graph(
            "Loss of the last run",
            "percentunit",
            "Share of the echo requests of the last run that were not answered.",
            (Query(worst("netprobe_icmp_loss_ratio"), NAMED),),
            maximum=1,
        ),
        Graph(
            "Jitter",
            "s",
            "Mean difference of neighbouring round trips of the last run.",
            (Query(worst("netprobe_icmp_jitter_seconds"), NAMED),),
        ),
        Graph(
            "Mean round trip",
            "s",
            "Mean over all echo requests that were answered.",
            (Query(f"{rate(f'{_RTT}_sum')} / {rate(f'{_RTT}_count')}", NAMED),),
        ),
        Graph(
            "Odd replies",
            "none",
            "Replies that came twice, too late, damaged or out of order, and requests "
            "that were answered with unreachable or could not be sent.",
            tuple(
                Query(
                    increase(f"netprobe_icmp_{name}_total", by="instance"),
                    f"{name.replace('_', ' ')} ({{{{instance}}}})",
                )
                for name in (
                    "duplicates",
                    "late",
                    "corrupt",
                    "reordered",
                    "unreachable",
                    "send_errors",
                )
            ),
        ),
        Graph(
            "TTL of replies",
            "none",
            "TTL of the last reply: where it changes, the way back did.",
            (Query(worst("netprobe_icmp_reply_ttl"), NAMED),),
        ),
    ),
)
