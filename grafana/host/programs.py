"""The programs that use most, as the collector `top_processes` tells."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Graph, Query


def _rate(name: str) -> str:
    return f"rate(epimetheus_process_{name}_total{{$target}}[$__rate_interval])"


def _now(name: str) -> str:
    return f"epimetheus_process_{name}{{$target}}"


ROW = Row(
    "Programs",
    (
        Graph(
            "CPU by program",
            "none",
            "CPUs that all processes of a name keep busy. The programs that use most "
            "are measured; the collector top_processes has to be switched on.",
            (Query(f"sum by (groupname) ({_rate('cpu_seconds')})", "{{groupname}}"),),
            stacked=True,
        ),
        Graph(
            "Memory by program",
            "bytes",
            "Resident memory of all processes of a name; what they share counts for "
            "each of them.",
            (Query(_now("resident_memory_bytes"), "{{groupname}}"),),
        ),
        Graph(
            "Disk by program",
            "Bps",
            "Bytes that reached or came from disks; written is drawn downwards.",
            (
                Query(_rate("read_bytes"), "{{groupname}} read"),
                Query(_rate("written_bytes"), "{{groupname}} written", mirrored=True),
            ),
        ),
        Graph(
            "Open files by program",
            "short",
            "File descriptors of all processes of a name; seen by root alone.",
            (Query(_now("open_fds"), "{{groupname}}"),),
        ),
        Graph(
            "Processes and threads by program",
            "short",
            "Processes of a name, and all their threads.",
            (
                Query(_now("instances"), "{{groupname}} processes"),
                Query(_now("threads"), "{{groupname}} threads"),
            ),
        ),
        Graph(
            "Age of programs",
            "s",
            "Time since the oldest process of a name was started.",
            (Query(f"time() - {_now('start_time_seconds')}", "{{groupname}}"),),
        ),
    ),
)
