"""The kernel's own counts, its clock, and how well it could be measured."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Graph, Query, States, warn


def _rate(name: str) -> str:
    return f"rate({name}{{$target}}[$__rate_interval])"


ROW = Row(
    "Kernel",
    (
        Graph(
            "Processes",
            "short",
            "Tasks that run or are ready to, and tasks that wait for I/O.",
            (
                Query("node_procs_running{$target}", "running"),
                Query("node_procs_blocked{$target}", "blocked"),
            ),
        ),
        Graph(
            "Forks",
            "cps",
            "Processes and threads started.",
            (Query(_rate("node_forks_total"), "forks"),),
        ),
        Graph(
            "Context switches",
            "cps",
            "Times a CPU went from one task to another.",
            (Query(_rate("node_context_switches_total"), "switches"),),
        ),
        Graph(
            "Interrupts",
            "cps",
            "Interrupts serviced.",
            (Query(_rate("node_intr_total"), "interrupts"),),
        ),
        Graph(
            "File descriptors",
            "short",
            "Open files in the whole system.",
            (Query("node_filefd_allocated{$target}", "open"),),
        ),
        Graph(
            "File descriptors used",
            "percentunit",
            "Open files as a share of the system's limit.",
            (
                Query(
                    "node_filefd_allocated{$target} / node_filefd_maximum{$target}",
                    "used",
                ),
            ),
            warn(0.7, 0.9),
        ),
        Graph(
            "Clock offset",
            "s",
            "The host's clock minus Prometheus' at the scrape; the time that the "
            "scrape took is part of it.",
            (
                Query(
                    "node_time_seconds{$target}"
                    " - timestamp(node_time_seconds{$target})",
                    "offset",
                ),
            ),
            warn(1, 5),
            minimum=None,
        ),
        Graph(
            "Time since boot",
            "s",
            "Falls to zero when the host is restarted.",
            (
                Query(
                    "node_time_seconds{$target} - node_boot_time_seconds{$target}",
                    "uptime",
                ),
            ),
        ),
    ),
)

COLLECTORS = Row(
    "Collectors",
    (
        States(
            "Success",
            "Whether each collector of the exporter could measure.",
            (Query("node_scrape_collector_success{$target}", "{{collector}}"),),
            words=("failed", "succeeded"),
        ),
        Graph(
            "Duration",
            "s",
            "How long each collector took for one scrape.",
            (
                Query(
                    "node_scrape_collector_duration_seconds{$target}",
                    "{{collector}}",
                ),
            ),
            warn(1),
        ),
        Graph(
            "Age of samples",
            "s",
            "How old is what collectors measured that do so in the background.",
            (
                Query(
                    "epimetheus_exporter_sample_age_seconds{$target}", "{{collector}}"
                ),
            ),
            warn(60),
        ),
        Graph(
            "Watchers",
            "short",
            "Who watches `/live` now, who was one too many, and who was cut off as "
            "they read too slowly.",
            (
                Query("epimetheus_exporter_live_clients{$target}", "watching"),
                Query(
                    "increase(epimetheus_exporter_live_refused_total{$target}"
                    "[$__rate_interval])",
                    "refused",
                ),
                Query(
                    "increase(epimetheus_exporter_live_slow_total{$target}"
                    "[$__rate_interval])",
                    "too slow",
                ),
            ),
        ),
    ),
)
