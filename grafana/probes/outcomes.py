"""Whether probes succeed, why not, and what they say of services."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.grids import Table
from grafana.probes.selectors import NAMED, PROBE, WHO, increase, worst
from grafana.shapes import Graph, Query, States

ROW = Row(
    "Outcomes",
    (
        States(
            "Success",
            "Whether the last probe succeeded, as each vantage point sees it.",
            (Query(f"min by ({WHO}) (netprobe_success{{{PROBE}}})", NAMED),),
            ("fails", "succeeds"),
        ),
        Graph(
            "Reasons",
            "none",
            "Probes that failed, by the reason.",
            (
                Query(
                    increase(
                        "netprobe_results_total", f'{PROBE}, reason!=""', "reason"
                    ),
                    "{{reason}}",
                ),
            ),
            stacked=True,
        ),
        Graph(
            "Duration",
            "s",
            "How long the last probe took.",
            (Query(worst("netprobe_duration_seconds"), NAMED),),
        ),
        Graph(
            "Age of results",
            "s",
            "Time since the last result. It grows where a job is not scheduled.",
            (Query(f"time() - {worst('netprobe_last_run_timestamp_seconds')}", NAMED),),
        ),
    ),
)

SERVICES = Row(
    "Services",
    (
        Graph(
            "Phases",
            "s",
            "What the time of a probe is spent on: resolving, connecting, TLS, "
            "processing, transfer.",
            (
                Query(
                    "avg by (destination, probe, phase) "
                    f"(netprobe_phase_seconds{{{PROBE}}})",
                    "{{destination}} {{probe}} {{phase}}",
                ),
            ),
            stacked=True,
        ),
        Graph(
            "HTTP status",
            "none",
            "Status of the last answer.",
            (Query(worst("netprobe_http_status_code"), NAMED),),
        ),
        Graph(
            "Size of answers",
            "bytes",
            "Bytes of the last answer's body, as they came.",
            (Query(worst("netprobe_http_body_bytes"), NAMED),),
        ),
        Graph(
            "Throughput",
            "Bps",
            "Rate of the last download.",
            (Query(worst("netprobe_throughput_bytes_per_second"), NAMED),),
        ),
        Graph(
            "DNS answers",
            "none",
            "Records of the last answer.",
            (Query(worst("netprobe_dns_answers"), NAMED),),
        ),
        States(
            "Certificates in order",
            "Whether the certificates of the last handshake were vouched for.",
            (
                Query(
                    f"min by ({WHO}) (netprobe_certificate_verified{{{PROBE}}})",
                    NAMED,
                ),
            ),
            ("not in order", "in order"),
        ),
    ),
)

_COLOURS = ((0, "red"), (3, "orange"), (14, "green"))

CERTIFICATES = Row(
    "Certificates",
    (
        Table(
            "Days until certificates end",
            "none",
            "Days that the certificate of each destination is still valid.",
            (
                Query(
                    f"min by ({WHO}) (netprobe_certificate_not_after_timestamp_seconds"
                    f"{{{PROBE}}} - time()) / 86400",
                    NAMED,
                    shape="table",
                ),
            ),
            ("destination", "probe", "instance"),
            _COLOURS,
            decimals=1,
        ),
        Table(
            "Days until the first of a chain ends",
            "none",
            "Days that all certificates that were presented are still valid. Others "
            "may vouch in place of one that ends.",
            (
                Query(
                    f"min by ({WHO}) "
                    "(netprobe_certificate_earliest_not_after_timestamp_seconds"
                    f"{{{PROBE}}} - time()) / 86400",
                    NAMED,
                    shape="table",
                ),
            ),
            ("destination", "probe", "instance"),
            _COLOURS,
            decimals=1,
        ),
    ),
)
