"""The numbers one looks at first."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Number, Query, bad_from, warn

ROW = Row(
    "Overview",
    (
        Number(
            "CPU busy",
            "percentunit",
            "Share of all CPU time spent on anything but idling and waiting for I/O.",
            (
                Query(
                    "1 - sum(rate(node_cpu_seconds_total{$target, "
                    'mode=~"idle|iowait"}[$__rate_interval]))'
                    ' / count(node_cpu_seconds_total{$target, mode="idle"})',
                    "busy",
                ),
            ),
            warn(0.8, 0.95),
            minimum=0,
            maximum=1,
            decimals=1,
        ),
        Number(
            "Load per CPU",
            "short",
            "Tasks that run or wait, averaged over a minute, for each CPU. Above 1 "
            "there is more work than CPUs.",
            (
                Query(
                    "sum(node_load1{$target})"
                    ' / count(node_cpu_seconds_total{$target, mode="idle"})',
                    "load",
                ),
            ),
            warn(1, 2),
            minimum=0,
            decimals=2,
        ),
        Number(
            "Memory used",
            "percentunit",
            "Share of memory that could not be given to new programs without swapping.",
            (
                Query(
                    "1 - node_memory_MemAvailable_bytes{$target}"
                    " / node_memory_MemTotal_bytes{$target}",
                    "used",
                ),
            ),
            warn(0.8, 0.92),
            minimum=0,
            maximum=1,
            decimals=1,
        ),
        Number(
            "Swap used",
            "bytes",
            "Memory that was moved out to swap devices; 0 where there is no swap.",
            (
                Query(
                    "node_memory_SwapTotal_bytes{$target}"
                    " - node_memory_SwapFree_bytes{$target}",
                    "used",
                ),
            ),
            warn(2**30),
            minimum=0,
        ),
        Number(
            "Fullest filesystem",
            "percentunit",
            "The share in use of the filesystem that is closest to its limit.",
            (
                Query(
                    "max(1 - node_filesystem_avail_bytes{$target}"
                    " / node_filesystem_size_bytes{$target})",
                    "used",
                ),
            ),
            warn(0.8, 0.95),
            minimum=0,
            maximum=1,
            decimals=1,
        ),
        Number(
            "CPUs",
            "none",
            "Logical CPUs that are online.",
            (
                Query(
                    'count(node_cpu_seconds_total{$target, mode="idle"})',
                    "CPUs",
                ),
            ),
            decimals=0,
        ),
        Number(
            "Up for",
            "s",
            "Time since the kernel was started.",
            (
                Query(
                    "node_time_seconds{$target} - node_boot_time_seconds{$target}",
                    "uptime",
                ),
            ),
            decimals=1,
        ),
        Number(
            "Collectors failing",
            "none",
            "Collectors whose last measurement did not succeed.",
            (
                Query(
                    "count(node_scrape_collector_success{$target} == 0) or vector(0)",
                    "failing",
                ),
            ),
            bad_from(1),
            decimals=0,
        ),
    ),
)
