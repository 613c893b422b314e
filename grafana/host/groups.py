"""Services, slices and containers, as the collector `cgroups` tells."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Graph, Query, warn


def _rate(name: str) -> str:
    return f"rate(epimetheus_cgroup_{name}_total{{$target}}[$__rate_interval])"


def _now(name: str) -> str:
    return f"epimetheus_cgroup_{name}{{$target}}"


USE = Row(
    "Services and containers",
    (
        Graph(
            "CPU by group",
            "none",
            "CPUs that a group keeps busy, groups below it included. The collector "
            "cgroups has to be switched on.",
            (Query(_rate("cpu_usage_seconds"), "{{cgroup}}"),),
        ),
        Graph(
            "CPU by group and mode",
            "none",
            "CPUs that a group keeps busy itself, and in the kernel, drawn downwards.",
            (
                Query(_rate("cpu_user_seconds"), "{{cgroup}} user"),
                Query(_rate("cpu_system_seconds"), "{{cgroup}} system", mirrored=True),
            ),
        ),
        Graph(
            "Memory by group",
            "bytes",
            "Memory of a group, page cache included.",
            (Query(_now("memory_usage_bytes"), "{{cgroup}}"),),
        ),
        Graph(
            "Swap by group",
            "bytes",
            "Swap space of a group.",
            (Query(_now("swap_usage_bytes"), "{{cgroup}}"),),
        ),
        Graph(
            "Disk by group",
            "Bps",
            "Bytes read and written; written is drawn downwards.",
            (
                Query(_rate("io_read_bytes"), "{{cgroup}} {{device}} read"),
                Query(
                    _rate("io_written_bytes"),
                    "{{cgroup}} {{device}} written",
                    mirrored=True,
                ),
            ),
        ),
        Graph(
            "Operations by group",
            "iops",
            "Reads and writes; writes are drawn downwards.",
            (
                Query(_rate("io_reads"), "{{cgroup}} {{device}} reads"),
                Query(
                    _rate("io_writes"), "{{cgroup}} {{device}} writes", mirrored=True
                ),
            ),
        ),
        Graph(
            "Tasks by group",
            "short",
            "Processes and threads of a group.",
            (Query(_now("tasks"), "{{cgroup}}"),),
        ),
        Graph(
            "Groups",
            "short",
            "Groups that are measured, by who made them, and those beyond the limit of "
            "the collector.",
            (
                Query(f"count by (maker) ({_now('info')})", "by {{maker}}"),
                Query("epimetheus_cgroups{$target}", "{{state}}"),
            ),
        ),
    ),
)

LIMITS = Row(
    "Limits of services and containers",
    (
        Graph(
            "Share of CPU periods throttled",
            "percentunit",
            "How often a group reached its CPU limit before the period was over.",
            (
                Query(
                    f"{_rate('cpu_cfs_throttled_periods')}"
                    f" / {_rate('cpu_cfs_periods')}",
                    "{{cgroup}}",
                ),
            ),
            warn(0.1, 0.25),
        ),
        Graph(
            "Time throttled",
            "percentunit",
            "Time for which the tasks of a group were kept from running, in all CPUs "
            "together.",
            (Query(_rate("cpu_cfs_throttled_seconds"), "{{cgroup}}"),),
        ),
        Graph(
            "Memory of its limit",
            "percentunit",
            "Memory and swap as a share of what a group may use.",
            (
                Query(
                    f"{_now('memory_usage_bytes')} / {_now('memory_limit_bytes')}",
                    "{{cgroup}} memory",
                ),
                Query(
                    f"{_now('swap_usage_bytes')} / ({_now('swap_limit_bytes')} > 0)",
                    "{{cgroup}} swap",
                ),
            ),
            warn(0.8, 0.95),
        ),
        Graph(
            "Tasks of their limit",
            "percentunit",
            "Processes and threads as a share of what a group may have.",
            (Query(f"{_now('tasks')} / {_now('tasks_limit')}", "{{cgroup}}"),),
            warn(0.8, 0.95),
        ),
        Graph(
            "Shortages of memory",
            "cps",
            "Times that a group met a limit of memory, or that one of its processes "
            "was killed for it.",
            (Query(_rate("memory_events"), "{{cgroup}} {{event}}"),),
        ),
        Graph(
            "Waiting by group",
            "percentunit",
            "Share of time in which some task waited for cpu, io or memory; and, drawn "
            "downwards, in which none could go on.",
            (
                Query(
                    _rate("pressure_waiting_seconds"), "{{cgroup}} {{resource}} some"
                ),
                Query(
                    _rate("pressure_stalled_seconds"),
                    "{{cgroup}} {{resource}} all",
                    mirrored=True,
                ),
            ),
        ),
    ),
)
