"""Counters of CPUs and of the kernel, as the collector `perf` tells."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Graph, Number, Query, warn


def _rate(name: str) -> str:
    return f"sum(rate(node_perf_{name}_total{{$target}}[$__rate_interval]))"


def _share(name: str, of: str) -> str:
    return f"{_rate(name)} / {_rate(of)}"


ROW = Row(
    "Counters of CPUs",
    (
        Graph(
            "Instructions per cycle",
            "none",
            "Instructions done in a cycle, of all CPUs; less than one mostly means "
            "waiting for memory. The collector perf has to be switched on, and the "
            "machine to have counters, which few virtual ones do.",
            (Query(_share("instructions", "cpucycles"), "instructions"),),
        ),
        Graph(
            "Misses",
            "percentunit",
            "Share of accesses and branches that missed.",
            (
                Query(_share("cache_misses", "cache_refs"), "caches"),
                Query(
                    _share("cache_l1d_read_misses", "cache_l1d_read_hits"),
                    "L1 data reads",
                ),
                Query(
                    _share("cache_ll_read_misses", "cache_ll_read_hits"),
                    "last level reads",
                ),
                Query(
                    _share("cache_tlb_data_read_misses", "cache_tlb_data_read_hits"),
                    "data TLB reads",
                ),
                Query(
                    _share("cache_tlb_instr_read_misses", "cache_tlb_instr_read_hits"),
                    "instruction TLB reads",
                ),
                Query(_share("branch_misses", "branch_instructions"), "branches"),
            ),
        ),
        Graph(
            "Stalled cycles",
            "percentunit",
            "Share of cycles in which no instruction was fetched, or none was done.",
            (
                Query(_share("stalled_cycles_frontend", "cpucycles"), "frontend"),
                Query(_share("stalled_cycles_backend", "cpucycles"), "backend"),
            ),
        ),
        Graph(
            "Cycles",
            "hertz",
            "Cycles of all CPUs; the reference is at a steady frequency.",
            (
                Query(_rate("cpucycles"), "cycles"),
                Query(_rate("ref_cpucycles"), "reference"),
            ),
        ),
        Graph(
            "Events of the kernel",
            "cps",
            "Page faults, switches between tasks, and moves of tasks between CPUs.",
            (
                Query(_rate("minor_faults"), "minor faults"),
                Query(_rate("major_faults"), "major faults"),
                Query(_rate("context_switches"), "switches"),
                Query(_rate("cpu_migrations"), "moves"),
            ),
        ),
        Graph(
            "Share of time counted",
            "percentunit",
            "Time in which a group of events was really counted, in the worst CPU; the "
            "rest is reckoned. Below a tenth, measure fewer events.",
            (
                Query(
                    "min by (group) (epimetheus_perf_running_ratio{$target})",
                    "{{group}}",
                ),
            ),
            maximum=1,
        ),
        Number(
            "Paranoid level",
            "none",
            "The kernel's perf_event_paranoid; from 1 on, the exporter needs "
            "CAP_PERFMON to count.",
            (Query("epimetheus_perf_paranoid_level{$target}", "level"),),
            warn(4),
        ),
    ),
)
