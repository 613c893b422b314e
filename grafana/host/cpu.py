"""Where CPU time goes, and what waits for it."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Graph, Query, warn

ROW = Row(
    "CPU",
    (
        Graph(
            "CPU time by mode",
            "percentunit",
            "All CPU time, divided by what it was spent on. `iowait` is idle time "
            "with disk requests in flight, `steal` was taken by other virtual "
            "machines.",
            (
                Query(
                    "sum by (mode) (rate(node_cpu_seconds_total{$target}"
                    "[$__rate_interval])) / scalar(count("
                    'node_cpu_seconds_total{$target, mode="idle"}))',
                    "{{mode}}",
                ),
            ),
            stacked=True,
            maximum=1,
        ),
        Graph(
            "Busy by CPU",
            "percentunit",
            "Share of time each CPU did anything but idle and wait for I/O. One CPU "
            "at 100 % beside idle ones is a program with a single thread.",
            (
                Query(
                    "1 - sum by (cpu) (rate(node_cpu_seconds_total{$target, "
                    'mode=~"idle|iowait"}[$__rate_interval]))',
                    "CPU {{cpu}}",
                ),
            ),
            warn(0.9),
            maximum=1,
        ),
        Graph(
            "Load and CPUs",
            "short",
            "Tasks that run or wait, averaged over 1, 5 and 15 minutes, beside the "
            "number of CPUs.",
            (
                Query("node_load1{$target}", "1 minute"),
                Query("node_load5{$target}", "5 minutes"),
                Query("node_load15{$target}", "15 minutes"),
                Query(
                    'count(node_cpu_seconds_total{$target, mode="idle"})',
                    "CPUs",
                ),
            ),
        ),
        Graph(
            "Waiting for I/O and stolen",
            "percentunit",
            "Share of CPU time that was idle while disk requests were in flight, and "
            "that the hypervisor gave to others.",
            (
                Query(
                    "avg by (mode) (rate(node_cpu_seconds_total{$target, "
                    'mode=~"iowait|steal"}[$__rate_interval]))',
                    "{{mode}}",
                ),
            ),
            warn(0.1, 0.3),
        ),
        Graph(
            "Interrupt handling",
            "percentunit",
            "Share of CPU time spent in hardware and software interrupts.",
            (
                Query(
                    "avg by (mode) (rate(node_cpu_seconds_total{$target, "
                    'mode=~"irq|softirq"}[$__rate_interval]))',
                    "{{mode}}",
                ),
            ),
            warn(0.2),
        ),
        Graph(
            "Guests",
            "percentunit",
            "Share of CPU time spent running virtual machines; it is part of the "
            "modes user and nice.",
            (
                Query(
                    "avg by (mode) (rate(node_cpu_guest_seconds_total{$target}"
                    "[$__rate_interval]))",
                    "guest, {{mode}}",
                ),
            ),
        ),
    ),
)


def _stall(resource: str, state: str) -> str:
    name = f"node_pressure_{resource}_{state}_seconds_total"
    return f"rate({name}{{$target}}[$__rate_interval])"


PRESSURE = Row(
    "Pressure",
    (
        Graph(
            "Some tasks waited",
            "percentunit",
            "Share of time in which at least one task waited for CPU, memory or I/O "
            "(pressure stall information, `some`).",
            (
                Query(_stall("cpu", "waiting"), "CPU"),
                Query(_stall("memory", "waiting"), "memory"),
                Query(_stall("io", "waiting"), "I/O"),
            ),
            warn(0.25, 0.5),
        ),
        Graph(
            "All tasks stalled",
            "percentunit",
            "Share of time in which no task could go on, as all waited for memory or "
            "I/O (pressure stall information, `full`).",
            (
                Query(_stall("memory", "stalled"), "memory"),
                Query(_stall("io", "stalled"), "I/O"),
            ),
            warn(0.1, 0.25),
        ),
    ),
)
