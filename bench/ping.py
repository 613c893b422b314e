"""What echo requests cost: this engine against fping, and against smokeping_prober.

Everything runs in a network namespace of its own, on its loopback, one after the other
and in turns. The engine's board is read by another process every second, as a scrape
does. CPU is the kernel's account of each process, system time included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - from the line above
from _claims import Claim, parser, report  # noqa: E402 - beside this file

from exporter.prober.board import Board  # noqa: E402
from exporter.prober.cells import Cell  # noqa: E402
from exporter.probes.base import Address  # noqa: E402
from exporter.probes.engine import Engine  # noqa: E402
from exporter.probes.volleys import Volley  # noqa: E402
from runtime.probing.probes import IcmpProbe  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.probes.volleys import VolleyResult

INSIDE = "EPIMETHEUS_BENCH_INSIDE"
SMOKEPING = "prometheus-smokeping-prober"
SECONDS = 5
TURNS = 2
MORE_CPU = 1.2
"""What ours may take, as a multiple of fping's."""


@dataclass
class Load:
    """So many destinations, each so often, all at once or one a second."""

    destinations: int
    count: int
    flat_out: bool

    def __str__(self) -> str:
        pace = "flat out" if self.flat_out else "1/s"
        return f"{self.destinations:,} destinations {pace}"

    def hosts(self) -> list[str]:
        """Return the addresses."""
        numbers = range(1, self.destinations + 1)
        return [f"127.1.{number // 256}.{number % 256}" for number in numbers]


LOADS = (
    Load(1000, SECONDS, flat_out=False),
    Load(10_000, SECONDS, flat_out=False),
    Load(1000, 60, flat_out=True),
    Load(10_000, 6, flat_out=True),
)


@dataclass
class Found:
    """What was measured of a program under a load; times in microseconds."""

    cpu: float = 0.0
    sent: int = 0
    lost: int = 0
    seconds: float = 0.0
    rtts: list[float] = field(default_factory=list)

    def add(self, other: Found) -> None:
        """Add another turn."""
        self.cpu += other.cpu
        self.sent += other.sent
        self.lost += other.lost
        self.seconds += other.seconds
        self.rtts += other.rtts

    @property
    def each(self) -> float:
        """CPU per ping, in microseconds."""
        return self.cpu / self.sent * 1e6

    def percentile(self, percent: float) -> float:
        """Return a percentile of the round-trip times, in microseconds."""
        return float(np.percentile(self.rtts, percent))


def fping(load: Load) -> Found:
    """Have fping do it."""
    pace = ["-i", "0", "-p", "1"] if load.flat_out else ["-i", "0", "-p", "1000"]
    if not load.flat_out:
        # Spread over the second, as ours are; a little less, as it sleeps between.
        pace[1] = f"{900 / load.destinations:.2f}"
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as hosts, tempfile.TemporaryFile("w+") as told:
        hosts.write("\n".join(load.hosts()))
        hosts.seek(0)
        process = subprocess.Popen(
            ["fping", *pace, "-C", str(load.count), "-q"],
            stdin=hosts,
            stdout=subprocess.DEVNULL,
            stderr=told,
        )
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        seconds = time.perf_counter() - began
        told.seek(0)
        times = [word for line in told for word in line.partition(" : ")[2].split()]
    rtts = [float(word) * 1000 for word in times if word != "-"]
    cpu = usage.ru_utime + usage.ru_stime
    return Found(cpu, len(times), len(times) - len(rtts), seconds, rtts)


def smokeping(load: Load) -> Found:
    """Have smokeping_prober do it, with datagram sockets; tells bounds of buckets."""
    port = "19374"
    process = subprocess.Popen(
        [
            SMOKEPING,
            f"--web.listen-address=127.0.0.1:{port}",
            "--no-privileged",
            "--log.level=error",
            *load.hosts(),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"GOMAXPROCS": "1"},
    )
    try:
        clock = (~process.pid << 3) | 2
        # It spreads its starts over the first second.
        time.sleep(3)
        before = time.clock_gettime(clock), _smoked(port)
        time.sleep(load.count)
        after = time.clock_gettime(clock), _smoked(port)
    finally:
        process.kill()
        process.wait()
    sent = int(after[1]["requests"] - before[1]["requests"])
    return Found(after[0] - before[0], sent, 0, load.count)


def _smoked(port: str) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    lines = re.findall(r"^smokeping_requests_total\{.*\} (\S+)$", text, re.MULTILINE)
    return {"requests": sum(map(float, lines))}


def ours(load: Load) -> Found:
    """Have the engine do it, in a process of its own."""
    told = subprocess.run(
        [sys.executable, __file__, "--engine", json.dumps(vars(load))],
        stdout=subprocess.PIPE,
        check=True,
    )
    return Found(**json.loads(told.stdout))


def _read_board(descriptor: int) -> None:
    """Do each second what a scrape does with the board, until the writer ends."""
    board = Board.attach(descriptor)
    writer = os.getppid()
    while os.getppid() == writer:
        snapshot = board.read()
        snapshot.rows[:, Cell.BUCKET :].cumsum(axis=1).tolist()
        time.sleep(1)


def _engine(load: Load) -> Found:
    board = Board.create(load.destinations)
    reader = subprocess.Popen(
        [sys.executable, __file__, "--read", str(board.fd)], pass_fds=[board.fd]
    )
    try:
        return asyncio.run(_measured(load, board))
    finally:
        reader.kill()
        reader.wait()


async def _measured(load: Load, board: Board) -> Found:
    engine = Engine(board)
    targets = [Address(2, host) for host in load.hosts()]
    slots = [board.claim() for _ in targets]
    try:
        warm_up = IcmpProbe(name="warm", kind="icmp")
        await engine.fire(Volley(targets[:1000], warm_up))
        await asyncio.sleep(1)
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        results = await _fire(engine, load, targets, slots)
        after, ended = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    finally:
        engine.close()
    rtts = np.concatenate([result.rtts.ravel() for result in results])
    sent = int(sum(result.sent.sum() for result in results))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    came = rtts[rtts >= 0] / 1000
    return Found(cpu, sent, sent - len(came), ended - began, came.tolist())


async def _fire(
    engine: Engine, load: Load, targets: Sequence[Address], slots: Sequence[int]
) -> list[VolleyResult]:
    some = load.destinations
    if load.flat_out:
        settings = IcmpProbe(
            name="flat",
            kind="icmp",
            count=load.count,
            spacing="1ms",
        )
        return [await engine.fire(Volley(targets, settings, slots=slots))]
    # As a job of one second does: a volley each second, that ends when it is done.
    settings = IcmpProbe(name="each", kind="icmp")
    phases = [number / some for number in range(some)]
    began = time.monotonic()
    tasks = []
    for number in range(load.count):
        await asyncio.sleep(began + number - time.monotonic())
        volley = Volley(targets, settings, phases, slots)
        tasks.append(asyncio.create_task(engine.fire(volley)))
    return await asyncio.gather(*tasks)


def measure() -> list[Claim]:
    """Compare, load by load, in turns."""
    claims: list[Claim] = []
    for load in LOADS:
        mine, theirs = Found(), Found()
        for _ in range(TURNS):
            theirs.add(fping(load))
            mine.add(ours(load))
        claims += _claims(load, mine, theirs)
    if shutil.which(SMOKEPING):
        load = LOADS[0]
        mine, theirs = ours(load), smokeping(load)
        claims.append(
            Claim(
                f"ping: {load}, CPU per ping, us, against {SMOKEPING}",
                round(mine.each, 2),
                round(theirs.each, 2),
                1.0,
            )
        )
    return claims


def _claims(load: Load, mine: Found, theirs: Found) -> Iterator[Claim]:
    yield Claim(
        f"ping: {load}, CPU per ping, us",
        round(mine.each, 2),
        round(theirs.each, 2),
        MORE_CPU,
    )
    yield Claim(f"ping: {load}, lost of {mine.sent:,}", mine.lost, None, 0)
    for percent in (50, 99):
        yield Claim(
            f"ping: {load}, RTT p{percent}, us",
            round(mine.percentile(percent), 2),
            round(theirs.percentile(percent), 2),
            1.0 if percent == 99 else None,
        )
    yield Claim(
        f"ping: {load}, us of wall time per ping",
        round(mine.seconds / mine.sent * 1e6, 2),
        round(theirs.seconds / theirs.sent * 1e6, 2),
    )


def _go_inside() -> None:
    """Start anew in a network namespace where every group may use datagram sockets."""
    os.environ[INSIDE] = "1"
    prepare = (
        "ip link set lo up && "
        "echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range && exec "
        '"$@"'
    )
    command = ["unshare", "--net", "sh", "-c", prepare, "sh", sys.executable]
    os.execvp(command[0], [*command, *sys.argv])  # noqa: S606 - no shell is wanted


def main() -> None:
    """Print a table, or with --json one object per line."""
    arguments = parser(__doc__)
    arguments.add_argument("--engine", type=json.loads, help=argparse.SUPPRESS)
    arguments.add_argument("--read", type=int, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.read is not None:
        _read_board(options.read)
        return
    if options.engine is not None:
        found: dict[str, Any] = vars(_engine(Load(**options.engine)))
        print(json.dumps(found))
        return
    if shutil.which("fping") is None:
        sys.exit("fping is not installed, so there is nothing to compare with")
    if INSIDE not in os.environ:
        _go_inside()
    report(measure(), "echo requests on loopback", as_json=options.json)


if __name__ == "__main__":
    main()
