"""What the server of NFS was asked for, and how it got on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.collectors import sun_rpc
from exporter.collectors.base import Family, Gathered, Host, Metric, NothingHere

if TYPE_CHECKING:
    from runtime.settings import Collector as Options


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(f"node_nfsd_{name}_total", "counter", text, labels)


_PLAIN: Final = {
    ("rc", 0): _counter(
        "reply_cache_hits",
        "Total number of NFSd Reply Cache hits (client lost server response).",
    ),
    ("rc", 1): _counter(
        "reply_cache_misses",
        "Total number of NFSd Reply Cache an operation that requires caching "
        "(idempotent).",
    ),
    ("rc", 2): _counter(
        "reply_cache_nocache",
        "Total number of NFSd Reply Cache non-idempotent operations (rename/delete/…).",
    ),
    ("fh", 0): _counter(
        "file_handles_stale", "Total number of NFSd stale file handles"
    ),
    ("io", 0): _counter("disk_bytes_read", "Total NFSd bytes read."),
    ("io", 1): _counter("disk_bytes_written", "Total NFSd bytes written."),
    ("th", 0): Metric(
        "node_nfsd_server_threads",
        "gauge",
        "Total number of NFSd kernel threads that are running.",
    ),
    ("ra", 0): Metric(
        "node_nfsd_read_ahead_cache_size_blocks",
        "gauge",
        "How large the read ahead cache is in blocks.",
    ),
    ("ra", -1): _counter(
        "read_ahead_cache_not_found",
        "Total number of NFSd read ahead cache not found.",
    ),
    ("net", 3): _counter("connections", "Total number of NFSd TCP connections."),
    ("rpc", 0): _counter("server_rpcs", "Total number of NFSd RPCs."),
}
"""Metrics by the word of their line and their place in it; a kernel may lack lines."""

PACKETS = _counter(
    "packets",
    "Total NFSd network packets (sent+received) by protocol type.",
    "proto",
)
ERRORS = _counter(
    "rpc_errors", "Total number of NFSd RPC errors by error type.", "error"
)
REQUESTS = _counter(
    "requests", "Total number NFSd Requests by method and protocol.", "proto", "method"
)
_FIGURES: Final[tuple[tuple[str, int, Metric, tuple[str, ...]], ...]] = (
    *((word, place, metric, ()) for (word, place), metric in _PLAIN.items()),
    ("net", 1, PACKETS, ("udp",)),
    ("net", 2, PACKETS, ("tcp",)),
    ("rpc", 2, ERRORS, ("fmt",)),
    ("rpc", 3, ERRORS, ("auth",)),
    ("rpc", 4, ERRORS, ("cInt",)),
)

_OPERATIONS_4: Final = (
    *("", "", "", "Access", "Close", "Commit", "Create", "DelegPurge"),
    *("DelegReturn", "GetAttr", "GetFH", "Link", "Lock", "Lockt", "Locku", "Lookup"),
    *("LookupRoot", "Nverify", "Open", "OpenAttr", "OpenConfirm", "OpenDgrd", "PutFH"),
    *("", "", "Read", "ReadDir", "ReadLink", "Remove", "Rename", "Renew"),
    *("RestoreFH", "SaveFH", "SecInfo", "SetAttr", "SetClientID"),
    *("SetClientIDConfirm", "Verify", "Write", "RelLockOwner"),
)
"""Operations of RFC 7530 in the order of their numbers; those without name have no
metric in node_exporter."""


class Nfsd:
    """Reads /proc/net/rpc/nfsd."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return what was served, and the requests by version and method."""
        try:
            told = sun_rpc.parse(self._host.proc("net/rpc/nfsd"))
        except FileNotFoundError as error:
            raise NothingHere("no server of NFS") from error
        found = Gathered()
        for word, place, metric, labels in _FIGURES:
            if word in told:
                found.add(metric, labels, int(told[word][place]))
        for word, version, names in (
            ("proc2", "2", ("", *sun_rpc.VERSION_2[1:])),
            ("proc3", "3", ("", *sun_rpc.VERSION_3[1:])),
            ("proc4ops", "4", _OPERATIONS_4),
        ):
            for labels, count in sun_rpc.requests(told, word, version, names):
                found.add(REQUESTS, labels, count)
        if delegations := told.get("wdeleg_getattr"):
            found.add(REQUESTS, ("4", "WdelegGetattr"), int(delegations[0]))
        return found.families()
