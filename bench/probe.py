"""What a probe costs: /probe of this exporter against blackbox_exporter.

Both run at the same time and probe the same local servers in turns, over a connection
that stays open. CPU is the kernel's account of each program with its children. The
time that a probe says it took is compared, too: it is what dashboards show.
"""

from __future__ import annotations

import functools
import http.client
import http.server
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from _claims import Claim, parser, report  # noqa: E402 - beside this file

from runtime.process import die_with_parent  # noqa: E402 - from the line above

if TYPE_CHECKING:
    from collections.abc import Sequence

PEER = "prometheus-blackbox-exporter"
WARM_UP = 20
TURNS = 5
KINDS = ("icmp", "tcp", "http")
THEIRS = """
modules:
  icmp: {prober: icmp, timeout: 5s, icmp: {preferred_ip_protocol: ip4}}
  tcp: {prober: tcp, timeout: 5s, tcp: {preferred_ip_protocol: ip4}}
  http: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4}}
"""
OURS = """
exporter:
  listen: "127.0.0.1:%d"
  probe: {allow: [127.0.0.1], rate: 1000000, burst: 1000000}
"""


@dataclass
class Prober:
    """A program that answers /probe, and what was measured of it, by kind."""

    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection
    cpu: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    told: dict[str, list[float]] = field(default_factory=dict)

    def ask(self, kind: str, target: str, times: int) -> None:
        """Have a target probed that often."""
        before = self._cpu()
        for _ in range(times):
            start = time.perf_counter()
            self.connection.request("GET", f"/probe?module={kind}&target={target}")
            text = self.connection.getresponse().read().decode()
            self.seconds.setdefault(kind, []).append(time.perf_counter() - start)
            if not re.search(r"^probe_success 1", text, re.MULTILINE):
                raise RuntimeError(f"{self.process.args!r} failed: {text}")
            took = re.search(r"^probe_duration_seconds (\S+)", text, re.MULTILINE)
            self.told.setdefault(kind, []).append(float(took[1]) if took else 0.0)
        self.cpu[kind] = self.cpu.get(kind, 0.0) + self._cpu() - before

    def forget(self) -> None:
        """Start measuring anew."""
        for measured in (self.cpu, self.seconds, self.told):
            measured.clear()

    def found(self, kind: str) -> dict[str, float]:
        """Return the figures of a kind by claim, in milliseconds."""
        return {
            f"CPU of a probe of kind {kind}, ms": self.cpu[kind]
            / len(self.seconds[kind])
            * 1000,
            f"answer of {kind}, p50, ms": _part(self.seconds[kind], 50),
            f"answer of {kind}, p99, ms": _part(self.seconds[kind], 99),
            f"duration that {kind} tells, p50, ms": _part(self.told[kind], 50),
        }

    def _cpu(self) -> float:
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task").glob("*/children")
        pids = [pid, *(int(one) for path in children for one in _words(path))]
        # What clock_getcpuclockid(3) computes: the scheduler's time of a process.
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def _words(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").split()


def _part(values: list[float], percent: int) -> float:
    return sorted(values)[len(values) * percent // 100] * 1000


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _start(command: Sequence[str], port: int) -> Prober:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        preexec_fn=functools.partial(  # noqa: PLW1509 - one prctl call
            die_with_parent, os.getpid()
        ),
    )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    give_up = time.monotonic() + 20
    while True:
        try:
            connection.connect()
        except OSError:
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"{command[0]} did not come up") from None
            time.sleep(0.05)
        else:
            return Prober(process, connection)


class _Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so in the base class
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def measure(probes: int) -> list[Claim]:
    """Compare the two; they take turns so that both meet all."""
    if shutil.which(PEER) is None:
        sys.exit(f"{PEER} is not installed, so there is nothing to compare with")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        site = stack.enter_context(_Server(("127.0.0.1", 0), _Site))
        threading.Thread(target=site.serve_forever, daemon=True).start()
        stack.callback(site.shutdown)
        ports = _free_port(), _free_port()
        (folder / "theirs.yml").write_text(THEIRS, encoding="utf-8")
        (folder / "ours.yaml").write_text(OURS % ports[1], encoding="utf-8")
        peer = _start(
            [
                PEER,
                f"--config.file={folder}/theirs.yml",
                f"--web.listen-address=127.0.0.1:{ports[0]}",
                "--log.level=error",
            ],
            ports[0],
        )
        stack.callback(peer.process.kill)
        ours = _start(
            [sys.executable, "-m", "exporter", "--config", f"{folder}/ours.yaml"],
            ports[1],
        )
        stack.callback(ours.process.kill)
        return _compare(peer, ours, site.server_address[1], probes)


def _compare(peer: Prober, ours: Prober, port: int, probes: int) -> list[Claim]:
    targets = {"icmp": "127.0.0.1", **dict.fromkeys(KINDS[1:], f"127.0.0.1:{port}")}
    for prober in (peer, ours):
        for kind in KINDS:
            prober.ask(kind, targets[kind], WARM_UP)
        prober.forget()
    for _ in range(TURNS):
        for kind in KINDS:
            for prober in (peer, ours):
                prober.ask(kind, targets[kind], probes // TURNS)
    return [
        Claim(claim, round(value, 3), round(theirs, 3))
        for kind in KINDS
        for (claim, value), theirs in zip(
            ours.found(kind).items(), peer.found(kind).values(), strict=True
        )
    ]


def main() -> None:
    """Measure and report."""
    options = parser(__doc__)
    options.add_argument("--probes", type=int, default=400, help="of each kind")
    chosen = options.parse_args()
    report(measure(chosen.probes), "A probe on request", as_json=chosen.json)


if __name__ == "__main__":
    main()
