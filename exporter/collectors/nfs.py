"""What the client of NFS asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.collectors import sun_rpc
from exporter.collectors.base import Family, Gathered, Host, Metric, NothingHere

if TYPE_CHECKING:
    from runtime.settings import Collector as Options


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(f"node_nfs_{name}_total", "counter", text, labels)


PACKETS = _counter(
    "packets",
    "Total NFSd network packets (sent+received) by protocol type.",
    "protocol",
)
CONNECTIONS = _counter("connections", "Total number of NFSd TCP connections.")
RPCS = _counter("rpcs", "Total number of RPCs performed.")
RETRANSMISSIONS = _counter(
    "rpc_retransmissions", "Number of RPC transmissions performed."
)
REFRESHES = _counter(
    "rpc_authentication_refreshes",
    "Number of RPC authentication refreshes performed.",
)
REQUESTS = _counter("requests", "Number of NFS procedures invoked.", "proto", "method")

_VERSION_4: Final = (
    *("Null", "Read", "Write", "Commit", "Open", "OpenConfirm", "OpenNoattr"),
    *("OpenDowngrade", "Close", "Setattr", "FsInfo", "Renew", "SetClientID"),
    *("SetClientIDConfirm", "Lock", "Lockt", "Locku", "Access", "Getattr", "Lookup"),
    *("LookupRoot", "Remove", "Rename", "Link", "Symlink", "Create", "Pathconf"),
    *("StatFs", "ReadLink", "ReadDir", "ServerCaps", "DelegReturn", "GetACL"),
    *("SetACL", "FsLocations", "ReleaseLockowner", "Secinfo", "FsidPresent"),
    *("ExchangeID", "CreateSession", "DestroySession", "Sequence", "GetLeaseTime"),
    *("ReclaimComplete", "GetDeviceInfo", "LayoutGet", "LayoutCommit"),
    *("LayoutReturn", "SecinfoNoName", "TestStateID", "FreeStateID"),
    *("GetDeviceList", "BindConnToSession", "DestroyClientID", "Seek", "Allocate"),
    *("DeAllocate", "LayoutStats", "Clone"),
)
"""In the order in which Linux numbers what its client can ask for (linux/nfs4.h)."""


class Nfs:
    """Reads /proc/net/rpc/nfs."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return the calls, and the requests by version and method."""
        try:
            told = sun_rpc.parse(self._host.proc("net/rpc/nfs"))
        except FileNotFoundError as error:
            raise NothingHere("no client of NFS") from error
        found = Gathered()
        _, datagrams, segments, connections = told["net"]
        found.add(PACKETS, ("udp",), int(datagrams))
        found.add(PACKETS, ("tcp",), int(segments))
        found.add(CONNECTIONS, (), int(connections))
        for metric, text in zip(
            (RPCS, RETRANSMISSIONS, REFRESHES), told["rpc"], strict=True
        ):
            found.add(metric, (), int(text))
        for word, version, names in (
            ("proc2", "2", sun_rpc.VERSION_2),
            ("proc3", "3", sun_rpc.VERSION_3),
            ("proc4", "4", _VERSION_4),
        ):
            for labels, count in sun_rpc.requests(told, word, version, names):
                found.add(REQUESTS, labels, count)
        return found.families()
