"""Ten days of backlog caught up by the running program, while live windows go on.

A real Prometheus holds ten days of 5,000 series, a sample every 60 s so that its data
stays small, and scrapes the same series from a small target while the program works
off what is behind it: minutes, hours and days, into SQLite. Live lag is looked at every
second from the first window that is done: the time by then, less the end of the newest
minute that is done in the ledger. It is 15 s (`rollup.settle`) to 80 s where nothing is
behind. Where the backlog meets what came since, that minute is done once more, as the
one before it has been done: its rows are there, and the lag is told with and without.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Final

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - from the line above
from _claims import Claim, parser, report  # noqa: E402 - beside this file

from tests.e2e.programs import RunningBridge, prometheus_source  # noqa: E402 - same
from tests.servers import RealPrometheus, create_blocks  # noqa: E402 - same

if TYPE_CHECKING:
    from collections.abc import Iterator

METRICS: Final = 50
INTERVAL: Final = 60
BLOCK: Final = 7200
LAG_GOAL: Final = 120.0
PATIENCE: Final = 6 * 3600
SCRAPE: Final = """\
global: {{scrape_interval: {interval}s, scrape_timeout: 10s}}
scrape_configs:
- job_name: bench
  static_configs:
  - targets: ['127.0.0.1:{port}']
    labels: {{instance: bench}}
"""
FINISHED: Final = "state IN ('done', 'partial', 'lost')"


@dataclass(frozen=True)
class Series:
    """All series of the target, half of them counters."""

    count: int

    def __iter__(self) -> Iterator[tuple[str, str, str, int]]:
        """Yield the metric, its kind, the labels and the number of each series."""
        for metric in range(METRICS):
            kind = "counter" if metric % 2 else "gauge"
            for number in range(self.count // METRICS):
                labels = f'pod="pod-{number:04d}",zone="z{number % 3}"'
                yield f"bench_{metric:02d}", kind, labels, metric * 10_000 + number

    def past(self, start: int, end: int) -> Iterator[str]:
        """Yield the samples of a span as OpenMetrics, series by series."""
        times = range(start + 7, end, INTERVAL)
        target = 'job="bench",instance="bench"'
        said = ""
        for metric, kind, labels, number in self:
            if metric != said:
                yield f"# TYPE {metric} {kind}"
                said = metric
            name = f"{metric}{_suffix(kind)}{{{target},{labels}}}"
            for at in times:
                yield f"{name} {_value(kind, number, at)} {at}"
        yield "# TYPE up gauge"
        for at in times:
            yield f"up{{{target}}} 1 {at}"

    def now(self) -> bytes:
        """Return what a scrape answers."""
        at, lines, said = int(time.time()), [], ""
        for metric, kind, labels, number in self:
            name = f"{metric}{_suffix(kind)}"
            if metric != said:
                lines.append(f"# TYPE {name} {kind}")
                said = metric
            lines.append(f"{name}{{{labels}}} {_value(kind, number, at)}")
        return "\n".join([*lines, ""]).encode()


def _suffix(kind: str) -> str:
    return "_total" if kind == "counter" else ""


def _value(kind: str, number: int, at: int) -> float:
    if kind == "counter":
        return number + (at - 1_700_000_000) * (1 + number % 7)
    return (number * 31 + at // INTERVAL * 17) % 8000 / 8


def serve(series: Series) -> ThreadingHTTPServer:
    """Serve the series on a loopback port, on a thread."""

    class Target(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = series.now()
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Target)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def fill(data: Path, series: Series, days: float) -> int:
    """Write blocks of two hours up to now; return where they begin."""
    begin = int(time.time() - days * 86400) // 60 * 60
    low = begin
    while (now := int(time.time())) - low > INTERVAL:
        high = min(low - low % BLOCK + BLOCK, now)
        create_blocks(data, series.past(low, high))
        print(f"blocks until {high - now} s", file=sys.stderr)
        low = high - high % 60
    return begin


@dataclass
class Progress:
    """What the ledger said, second by second."""

    begin: int
    began: float = field(default_factory=time.time)
    lags: list[float] = field(default_factory=list)
    strict: list[float] = field(default_factory=list)
    windows: int = 0
    rows: int = 0
    wall: float = 0.0

    def look(self, db: sqlite3.Connection) -> bool:
        """Note how far the program is; return whether nothing is behind any more."""
        now = time.time()
        windows, rows, oldest, newest = db.execute(
            "SELECT COUNT(*), TOTAL(series), MIN(start), MAX(start) FROM ledger "  # noqa: S608 - own words
            f"WHERE resolution = 'minute' AND {FINISHED}"
        ).fetchone()
        if not windows:
            return False
        end = newest + 60
        (there,) = db.execute(
            "SELECT MAX(start) FROM ledger WHERE resolution = 'minute' AND revision > 0"
        ).fetchone()
        self.lags.append(now - there - 60)
        self.strict.append(now - end)
        self.windows, self.rows, self.wall = windows, int(rows), now - self.began
        if len(self.lags) % 10 == 1:
            told = f"{self.wall:.0f} s: {windows} windows, lag {self.lags[-1]:.0f} s"
            print(told, file=sys.stderr)
        (hours,) = db.execute(
            f"SELECT COUNT(*) FROM ledger WHERE resolution = 'hour' AND {FINISHED}"  # noqa: S608 - own words
        ).fetchone()
        complete = oldest <= self.begin + 60 and windows == (end - oldest) // 60
        return bool(complete) and hours == end // 3600 - oldest // 3600

    def claims(self, bridge: RunningBridge) -> list[Claim]:
        """Return what was found, while the program still runs."""
        status = Path(f"/proc/{bridge.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if "VmHWM" in line).split()
        spent = Path(f"/proc/{bridge.pid}/stat").read_text().rpartition(") ")[2].split()
        cpu = sum(map(int, spent[11:13])) / os.sysconf("SC_CLK_TCK")
        per_second = round(self.windows / self.wall, 1)
        return [
            *_lag("live lag", self.lags),
            *_lag("live lag to what is not done again", self.strict),
            Claim("windows", self.windows),
            Claim("until nothing is behind, s", round(self.wall, 1)),
            Claim("windows per second (more is better)", per_second),
            Claim("rows per second (more is better)", round(self.rows / self.wall)),
            Claim("CPU of the engine per window, s", round(cpu / self.windows, 4)),
            Claim("peak memory of the engine, MB", round(int(peak[1]) * 1024 / 1e6, 1)),
        ]


def _lag(name: str, seconds: list[float]) -> Iterator[Claim]:
    p99 = float(np.percentile(seconds, 99))
    yield Claim(f"{name}, longest, s", round(max(seconds), 1), None, LAG_GOAL)
    yield Claim(f"{name}, p99, s", round(p99, 1), None, LAG_GOAL)


def catch_up(bridge: RunningBridge, begin: int) -> Progress:
    """Watch the program until nothing is behind."""
    progress = Progress(begin)
    while not bridge.database.exists():
        time.sleep(0.1)
    with sqlite3.connect(f"file:{bridge.database}?mode=ro", uri=True) as db:
        beat = time.monotonic()
        while time.time() - progress.began < PATIENCE:
            try:
                if progress.look(db):
                    check(db)
                    return progress
            except sqlite3.OperationalError as error:
                if "no such table" not in str(error):  # it is being made
                    raise
            beat += 1
            time.sleep(max(beat - time.monotonic(), 0))
    raise RuntimeError(f"{progress.windows} windows after {progress.wall} s")


def check(db: sqlite3.Connection) -> None:
    """Refuse figures of windows that brought nothing.

    Between the last block and the first scrape a minute or two are not whole.
    """
    states = dict(
        db.execute(
            "SELECT state, COUNT(*) FROM ledger WHERE resolution = 'minute' "
            "GROUP BY state"
        )
    )
    if sum(states.values()) - states.get("done", 0) > 3:
        raise RuntimeError(f"not all windows are done: {states}")


def main() -> None:
    """Fill a Prometheus, start the program and watch it."""
    arguments = parser(__doc__)
    arguments.add_argument("--days", type=float, default=10)
    arguments.add_argument("--series", type=int, default=5000)
    chosen = arguments.parse_args()
    series = Series(chosen.series)
    target = serve(series)
    config = SCRAPE.format(interval=INTERVAL, port=target.server_port)
    with tempfile.TemporaryDirectory(prefix="epimetheus-bench-") as name:
        directory = Path(name)
        begin = fill(directory / "data", series, chosen.days)
        prometheus = RealPrometheus(
            directory / "prometheus",
            config,
            data_dir=directory / "data",
            flags=["--storage.tsdb.max-block-duration=2h"],  # no compaction beside
        )
        with prometheus:
            source = prometheus_source(
                prometheus.url,
                selectors=['{job="bench"}'],
                initial_history=f"{round(time.time() - begin + 60)}s",
            )
            bridge = RunningBridge(
                directory / "bridge", [source], log={"level": "warning"}
            )
            bridge.start_unready()
            try:
                claims = catch_up(bridge, begin).claims(bridge)
            finally:
                bridge.stop()
    target.shutdown()
    title = f"{chosen.days:g} days of backlog of {series.count} series"
    report(claims, title, as_json=chosen.json)


if __name__ == "__main__":
    main()
