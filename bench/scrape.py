"""What a scrape costs: this exporter against node_exporter with the same collectors.

Both run at the same time and are asked in turns, the way Prometheus asks: OpenMetrics,
gzip, one connection that stays open. CPU is the kernel's account of each process.
"""

from __future__ import annotations

import functools
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from _claims import Claim, parser, report  # noqa: E402 - beside this file

from runtime.process import die_with_parent  # noqa: E402 - from the line above
from runtime.settings import Collectors  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

PEER = "prometheus-node-exporter"
HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0,"
    "application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
    "User-Agent": "Prometheus/2.42.0",
    "X-Prometheus-Scrape-Timeout-Seconds": "10",
}
NOT_OURS = {"node_exporter_build_info", "node_network_speed_bytes"}
"""About the peer itself; and unknown speeds, which ours leaves out."""

WARM_UP = 50
TURNS = 10
GOALS = {
    "CPU per scrape, ms": 1.0,
    "time to answer, p50, ms": 1.0,
    "time to answer, p99, ms": 1.0,
    "resident memory, MiB": 3.0,
}
"""What ours may be, as a multiple of the peer's."""


@dataclass
class Exporter:
    """A running exporter and what was measured of it."""

    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection
    cpu_seconds: float = 0.0
    seconds: list[float] = field(default_factory=list)

    def ask(self, times: int) -> None:
        """Scrape that often and keep what it took."""
        clock = _process_clock(self.process.pid)
        before = time.clock_gettime(clock)
        for _ in range(times):
            start = time.perf_counter()
            self.connection.request("GET", "/metrics", headers=HEADERS)
            answer = self.connection.getresponse()
            answer.read()
            self.seconds.append(time.perf_counter() - start)
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"{self.process.args!r} answered {answer.status}")
        self.cpu_seconds += time.clock_gettime(clock) - before

    def names(self) -> set[str]:
        """Return the names of the host's metrics that it exposes."""
        self.connection.request("GET", "/metrics")
        text = self.connection.getresponse().read().decode()
        return {
            re.split("[ {]", line, maxsplit=1)[0]
            for line in text.splitlines()
            if line.startswith("node_")
        }

    def forget(self) -> None:
        """Start measuring anew."""
        self.cpu_seconds, self.seconds = 0.0, []

    def found(self) -> dict[str, float]:
        """Return the figures by claim."""
        ordered = sorted(self.seconds)
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        resident = int(status.partition("VmRSS:")[2].split()[0])
        figures = (
            self.cpu_seconds / len(ordered) * 1000,
            ordered[len(ordered) // 2] * 1000,
            ordered[len(ordered) * 99 // 100] * 1000,
            resident / 1024,
        )
        return dict(zip(GOALS, figures, strict=True))


def _process_clock(pid: int) -> int:
    # What clock_getcpuclockid(3) computes: the scheduler's nanoseconds of a process.
    return (~pid << 3) | 2


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _start(command: Sequence[str], port: int, **more: str) -> Exporter:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=os.environ | more,
        preexec_fn=functools.partial(  # noqa: PLW1509 - one prctl call
            die_with_parent, os.getpid()
        ),
    )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    give_up = time.monotonic() + 20
    while True:
        try:
            connection.connect()
        except OSError:
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"{command[0]} did not come up") from None
            time.sleep(0.05)
        else:
            return Exporter(process, connection)


def _ours() -> Exporter:
    port = _free_port()
    return _start(
        [sys.executable, "-m", "exporter", "--log-level", "warning"],
        port,
        EPIMETHEUS__EXPORTER__LISTEN=f"127.0.0.1:{port}",
    )


def _peer() -> Exporter:
    if shutil.which(PEER) is None:
        sys.exit(f"{PEER} is not installed, so there is nothing to compare with")
    port = _free_port()
    settings = Collectors()
    excluded = settings.filesystem
    # Not processes, which ours counts in the background and it does at every scrape.
    names = (
        "arp",
        "bonding",
        "conntrack",
        "cpu",
        "cpufreq",
        "diskstats",
        "dmi",
        "edac",
        "entropy",
        "filefd",
        "filesystem",
        "hwmon",
        "interrupts",
        "loadavg",
        "mdadm",
        "meminfo",
        "netclass",
        "netdev",
        "netstat",
        "nvme",
        "os",
        "powersupplyclass",
        "pressure",
        "rapl",
        "schedstat",
        "sockstat",
        "softnet",
        "stat",
        "tcpstat",
        "textfile",
        "thermal_zone",
        "time",
        "timex",
        "udp_queues",
        "uname",
        "vmstat",
    )
    return _start(
        [
            PEER,
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
            # Less than ours does, which reports on its own process.
            "--web.disable-exporter-metrics",
            "--collector.disable-defaults",
            *(f"--collector.{name}" for name in names),
            "--collector.netdev.device-exclude=^$",
            f"--collector.netstat.fields={settings.netstat.fields}",
            f"--collector.diskstats.device-exclude={settings.disk.exclude_devices}",
            f"--collector.filesystem.mount-points-exclude={excluded.exclude_mounts}",
            f"--collector.filesystem.fs-types-exclude={excluded.exclude_types}",
        ],
        port,
    )


def measure(scrapes: int) -> list[Claim]:
    """Compare the two; the exporters take turns so that both meet all."""
    peer, ours = _peer(), _ours()
    try:
        if missing := peer.names() - ours.names() - NOT_OURS:
            raise RuntimeError(f"ours does less: no {', '.join(sorted(missing))}")
        for exporter in (peer, ours):
            exporter.ask(WARM_UP)
            exporter.forget()
        for _ in range(TURNS):
            for exporter in (peer, ours):
                exporter.ask(scrapes // TURNS)
        theirs, found = peer.found(), ours.found()
    finally:
        for exporter in (peer, ours):
            exporter.process.kill()
            exporter.process.wait()
    return [
        Claim(f"scrape: {claim}", round(found[claim], 3), round(theirs[claim], 3), goal)
        for claim, goal in GOALS.items()
    ]


def main() -> None:
    """Print a table, or with --json one object per line."""
    arguments = parser(__doc__)
    arguments.add_argument("--scrapes", type=int, default=500)
    options = arguments.parse_args()
    title = f"exporter against {PEER}, {options.scrapes} scrapes"
    report(measure(options.scrapes), title, as_json=options.json)


if __name__ == "__main__":
    main()
