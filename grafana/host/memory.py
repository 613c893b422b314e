"""What memory is used for, and what moves between memory and disks."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Graph, Query, bad_from, warn


def _memory(field: str, legend: str) -> Query:
    return Query(f"node_memory_{field}_bytes{{$target}}", legend)


def _pages(field: str, factor: str = "") -> str:
    return f"rate(node_vmstat_{field}{{$target}}[$__rate_interval]){factor}"


ROW = Row(
    "Memory",
    (
        Graph(
            "Memory by use",
            "bytes",
            "The main parts of memory. The page cache, buffers and the reclaimable "
            "part of slab are given back when programs need them.",
            (
                Query(
                    "node_memory_MemTotal_bytes{$target}"
                    " - node_memory_MemFree_bytes{$target}"
                    " - node_memory_Buffers_bytes{$target}"
                    " - node_memory_Cached_bytes{$target}"
                    " - node_memory_Slab_bytes{$target}",
                    "programs and kernel",
                ),
                _memory("Slab", "slab"),
                _memory("Cached", "page cache"),
                _memory("Buffers", "buffers"),
                _memory("MemFree", "free"),
            ),
            stacked=True,
        ),
        Graph(
            "Available",
            "bytes",
            "What new programs could get without swapping, beside all there is.",
            (
                _memory("MemAvailable", "available"),
                _memory("MemTotal", "total"),
            ),
        ),
        Graph(
            "Programs",
            "bytes",
            "Anonymous memory of programs, files they mapped, and shared memory, "
            "which includes tmpfs.",
            (
                _memory("AnonPages", "anonymous"),
                _memory("Mapped", "mapped files"),
                _memory("Shmem", "shared"),
                _memory("AnonHugePages", "anonymous, huge pages"),
            ),
        ),
        Graph(
            "Active and inactive",
            "bytes",
            "Recently used and not; what is inactive is reclaimed first.",
            (
                _memory("Active_anon", "active, anonymous"),
                _memory("Inactive_anon", "inactive, anonymous"),
                _memory("Active_file", "active, file"),
                _memory("Inactive_file", "inactive, file"),
                _memory("Unevictable", "unevictable"),
            ),
        ),
        Graph(
            "Kernel",
            "bytes",
            "Memory of the kernel itself.",
            (
                _memory("SReclaimable", "slab, reclaimable"),
                _memory("SUnreclaim", "slab, unreclaimable"),
                _memory("KernelStack", "stacks"),
                _memory("PageTables", "page tables"),
                _memory("Percpu", "per CPU"),
            ),
        ),
        Graph(
            "Waiting to be written",
            "bytes",
            "Changed pages that are not on disk yet, and those on their way.",
            (
                _memory("Dirty", "dirty"),
                _memory("Writeback", "being written"),
            ),
            warn(2**30),
        ),
        Graph(
            "Swap",
            "bytes",
            "Swap space in use and in all.",
            (
                Query(
                    "node_memory_SwapTotal_bytes{$target}"
                    " - node_memory_SwapFree_bytes{$target}",
                    "used",
                ),
                _memory("SwapCached", "also in memory"),
                _memory("SwapTotal", "total"),
            ),
        ),
        Graph(
            "Promised",
            "bytes",
            "Memory that programs were promised, beside the limit that holds where "
            "overcommitting is forbidden.",
            (
                _memory("Committed_AS", "promised"),
                _memory("CommitLimit", "limit"),
            ),
        ),
    ),
)

PAGING = Row(
    "Paging",
    (
        Graph(
            "Page faults",
            "cps",
            "Pages that programs touched before they were there. Major ones had to "
            "be read from disk.",
            (
                Query(f"{_pages('pgfault')} - {_pages('pgmajfault')}", "minor"),
                Query(_pages("pgmajfault"), "major"),
            ),
        ),
        Graph(
            "Paging to and from disk",
            "Bps",
            "Bytes that block devices moved for memory; out is drawn downwards.",
            (
                Query(_pages("pgpgin", " * 1024"), "in"),
                Query(_pages("pgpgout", " * 1024"), "out", mirrored=True),
            ),
        ),
        Graph(
            "Swapping",
            "cps",
            "Pages swapped in and out; out is drawn downwards. A steady exchange "
            "means that memory is too small.",
            (
                Query(_pages("pswpin"), "in"),
                Query(_pages("pswpout"), "out", mirrored=True),
            ),
        ),
        Graph(
            "Killed for want of memory",
            "none",
            "Programs that the kernel killed as memory had run out.",
            (
                Query(
                    "increase(node_vmstat_oom_kill{$target}[$__rate_interval])",
                    "killed",
                ),
            ),
            bad_from(1),
        ),
    ),
)
