"""The numbers one looks at first."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.probes.selectors import JOB, PROBE, PROBER, rate
from grafana.shapes import Number, Query, bad_from, warn

ROW = Row(
    "Overview",
    (
        Number(
            "Probes that fail",
            "none",
            "Probes of destinations whose last result is a failure, from wherever.",
            (
                Query(
                    f"count(netprobe_success{{{PROBE}}} == 0) or vector(0)",
                    "failing",
                ),
            ),
            bad_from(1),
            decimals=0,
        ),
        Number(
            "Probes",
            "none",
            "Probes of destinations that have results.",
            (Query(f"count(netprobe_success{{{PROBE}}})", "probes"),),
            decimals=0,
        ),
        Number(
            "Median round trip",
            "s",
            "Half of the echo requests were answered sooner.",
            (
                Query(
                    "histogram_quantile(0.5, "
                    f"{rate('netprobe_icmp_rtt_seconds_bucket', by='le')})",
                    "median",
                ),
            ),
        ),
        Number(
            "Loss",
            "percentunit",
            "Share of echo requests that were not answered in time.",
            (
                Query(
                    f"1 - sum({rate('netprobe_icmp_replies_total')})"
                    f" / sum({rate('netprobe_icmp_requests_total')})",
                    "lost",
                ),
            ),
            warn(0.01, 0.05),
            minimum=0,
            maximum=1,
            decimals=1,
        ),
        Number(
            "First certificate ends in",
            "s",
            "Time until the first of the certificates that were presented ends.",
            (
                Query(
                    "min(netprobe_certificate_not_after_timestamp_seconds"
                    f"{{{PROBE}}}) - time()",
                    "rest",
                ),
            ),
            ((0, "red"), (3 * 86400, "orange"), (14 * 86400, "green")),
        ),
        Number(
            "Jobs not scheduled now",
            "none",
            "Jobs outside their windows: what they do not probe is not down.",
            (
                Query(
                    f'sum(netprobe_job_state{{{JOB}, state="not_scheduled"}})'
                    " or vector(0)",
                    "not scheduled",
                ),
            ),
            decimals=0,
        ),
        Number(
            "Probers",
            "none",
            "Exporters whose prober runs.",
            (Query(f"sum(epimetheus_prober_up{{{PROBER}}})", "up"),),
            ((0, "red"), (1, "green")),
            minimum=0,
            decimals=0,
        ),
        Number(
            "Starved probers",
            "none",
            "Exporters whose host is short of CPU: what they measure is too slow.",
            (Query(f"sum(epimetheus_prober_starved{{{PROBER}}})", "starved"),),
            bad_from(1),
            decimals=0,
        ),
    ),
)
