"""Disks, and the filesystems on them."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.shapes import Graph, Query, States, warn


def _disk(field: str) -> str:
    return f"rate(node_disk_{field}_total{{$target}}[$__rate_interval])"


DISKS = Row(
    "Disks",
    (
        Graph(
            "Throughput",
            "Bps",
            "Bytes read and written; written is drawn downwards.",
            (
                Query(_disk("read_bytes"), "{{device}} read"),
                Query(_disk("written_bytes"), "{{device}} written", mirrored=True),
            ),
        ),
        Graph(
            "Operations",
            "iops",
            "Reads and writes completed; writes are drawn downwards.",
            (
                Query(_disk("reads_completed"), "{{device}} reads"),
                Query(_disk("writes_completed"), "{{device}} writes", mirrored=True),
            ),
        ),
        Graph(
            "Latency",
            "s",
            "Mean time from request to answer, queueing included; no line where "
            "nothing was requested.",
            (
                Query(
                    f"{_disk('read_time_seconds')} / {_disk('reads_completed')}",
                    "{{device}} reads",
                ),
                Query(
                    f"{_disk('write_time_seconds')} / {_disk('writes_completed')}",
                    "{{device}} writes",
                ),
            ),
            warn(0.1),
        ),
        Graph(
            "Time with requests in flight",
            "percentunit",
            "Share of time in which the disk had something to do. Disks that work "
            "on several requests at once can take more even at 100 %.",
            (Query(_disk("io_time_seconds"), "{{device}}"),),
            warn(0.9),
            maximum=1,
        ),
        Graph(
            "Queue",
            "short",
            "Mean number of requests that were waited for.",
            (Query(_disk("io_time_weighted_seconds"), "{{device}}"),),
            warn(10),
        ),
        Graph(
            "Merged operations",
            "iops",
            "Requests joined with a neighbour before they were sent; writes are "
            "drawn downwards.",
            (
                Query(_disk("reads_merged"), "{{device}} reads"),
                Query(_disk("writes_merged"), "{{device}} writes", mirrored=True),
            ),
        ),
    ),
)

FILESYSTEMS = Row(
    "Filesystems",
    (
        Graph(
            "Space used",
            "percentunit",
            "Share of the space that ordinary users can have.",
            (
                Query(
                    "1 - node_filesystem_avail_bytes{$target}"
                    " / node_filesystem_size_bytes{$target}",
                    "{{mountpoint}}",
                ),
            ),
            warn(0.8, 0.95),
            maximum=1,
        ),
        Graph(
            "Space left",
            "bytes",
            "Bytes that ordinary users can still write.",
            (Query("node_filesystem_avail_bytes{$target}", "{{mountpoint}}"),),
        ),
        Graph(
            "Inodes used",
            "percentunit",
            "Share of the files that the filesystem can hold; filesystems without "
            "such a limit have no line.",
            (
                Query(
                    "1 - node_filesystem_files_free{$target}"
                    " / (node_filesystem_files{$target} > 0)",
                    "{{mountpoint}}",
                ),
            ),
            warn(0.8, 0.95),
            maximum=1,
        ),
        States(
            "Read-only",
            "Filesystems that refuse writes. One that changed by itself met an error.",
            (Query("node_filesystem_readonly{$target}", "{{mountpoint}}"),),
            words=("writable", "read-only"),
            bad=1,
            width=6,
        ),
        States(
            "Not answering",
            "Filesystems whose state could not be read, for example hung mounts.",
            (Query("node_filesystem_device_error{$target}", "{{mountpoint}}"),),
            words=("answers", "does not answer"),
            bad=1,
            width=6,
        ),
    ),
)
