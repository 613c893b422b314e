"""One cycle of the engine against a client that throws the same answers away.

A real Prometheus holds 1,000, 10,000 and 100,000 series (100 metrics, 6 labels, a
sample every 15 s), and 10,000 histograms of 12 buckets, which are 140,000 series and
become a row each. Ours reads a window, rolls it up and commits it to SQLite, by each
transport; the peer sends the same requests over as many connections and discards the
bodies. Both take turns, window by window; medians are compared. CPU is that of our
process alone, and peak memory that of a process that does nothing but cycles.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import urllib3  # noqa: E402 - from the line above
from _claims import Claim, parser, report  # noqa: E402 - beside this file
from prometheus_client import CollectorRegistry  # noqa: E402 - same

from bridge.composition import compose, parts_of  # noqa: E402 - same
from bridge.rollup.windows import Window  # noqa: E402 - same
from bridge.telemetry import Telemetry  # noqa: E402 - same
from bridge.writer import Writer  # noqa: E402 - same
from models.database import open_database  # noqa: E402 - same
from models.migrate import Migrations  # noqa: E402 - same
from runtime.clock import SystemClock  # noqa: E402 - same
from runtime.settings import Settings  # noqa: E402 - same
from tests.servers import RealPrometheus, create_blocks  # noqa: E402 - same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.rollup.engine import Engine

SIZES: Final = (1_000, 10_000, 100_000)
HISTOGRAMS: Final = 10_000
BOUNDS: Final = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5")
BUCKETS: Final = (*BOUNDS, "5.0", "10.0", "+Inf")
TRANSPORTS: Final = ("remote_read", "http")
METRICS: Final = 100
INTERVAL: Final = 15
WINDOWS: Final = 8
BEGIN: Final = 1_790_000_040 // 60 * 60
WALL_GOAL: Final = 1.3
MEMORY_GOAL_MB: Final = 200


def lines(size: int) -> Iterator[str]:
    """Yield the exposition of all samples, series by series."""
    for metric in range(METRICS):
        name = f"bench_{size}_{metric:03d}"
        kind = "counter" if metric % 2 else "gauge"
        suffix = "_total" if kind == "counter" else ""
        yield f"# TYPE {name} {kind}"
        for number in range(size // METRICS):
            labels = (
                f'job="bench",instance="10.0.{number % 50}.1:9100",'
                f'pod="pod-{number:05d}",zone="z{number % 3}",'
                f'method="m{number % 7}",path="/p/{number % 11}"'
            )
            for tick in range(-INTERVAL, (WINDOWS + 1) * 60, INTERVAL):
                value = number * 1000.5 + metric * 7 + tick
                yield f"{name}{suffix}{{{labels}}} {value} {BEGIN + tick}"


def histogram_lines(count: int) -> Iterator[str]:
    """Yield the exposition of classic histograms, their series one by one."""
    yield "# TYPE bench_seconds histogram"
    times = range(-INTERVAL, (WINDOWS + 1) * 60, INTERVAL)
    for number in range(count):
        labels = f'job="bench",instance="10.0.{number % 50}.1:9100",path="/p/{number}"'
        for place, bound in enumerate(BUCKETS):
            name = f'bench_seconds_bucket{{{labels},le="{bound}"}}'
            for tick in times:
                yield f"{name} {(tick + 60) * (place + 1)} {BEGIN + tick}"
        for part, each in (("count", len(BUCKETS)), ("sum", 0.25)):
            name = f"bench_seconds_{part}{{{labels}}}"
            for tick in times:
                yield f"{name} {(tick + 60) * each} {BEGIN + tick}"


@dataclass(frozen=True)
class Load:
    """What a cycle reads: `rows` come of what a selector selects."""

    name: str
    selector: str
    rows: int


def series_load(size: int) -> Load:
    """Return the load of so many series."""
    return Load(f"{size} series", f'{{__name__=~"bench_{size}_.*"}}', size)


def histogram_load(count: int) -> Load:
    """Return the load of so many histograms."""
    return Load(f"{count} histograms", '{__name__=~"bench_seconds_.*"}', count)


@dataclass(frozen=True)
class Query:
    """A request for raw samples."""

    path: str
    body: bytes
    headers: dict[str, str]


class Discarder:
    """Sends the requests that a cycle sent, and throws the answers away."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(maxsize=2)
        self._threads = ThreadPoolExecutor(2)

    def run(self, queries: list[Query]) -> float:
        """Return the seconds until the last answer is in."""
        began = time.perf_counter()
        list(self._threads.map(self._discard, queries))
        return time.perf_counter() - began

    def _discard(self, query: Query) -> None:
        answer = self._pool.request(
            "POST",
            self._url + query.path,
            body=query.body,
            headers=query.headers,
            preload_content=False,
        )
        if answer.status != 200:
            raise RuntimeError(f"Prometheus answered {answer.status}")
        while answer.read(1 << 20):
            pass
        answer.release_conn()


class Cycles:
    """An engine on a database of its own, done window by window."""

    def __init__(
        self, directory: Path, url: str, selector: str, transport: str
    ) -> None:
        settings = Settings.model_validate(
            {
                "sources": [
                    {
                        "name": "bench",
                        "kind": "prometheus",
                        "url": url,
                        "selectors": [selector],
                        "transport": transport,
                    }
                ],
                "events": {"down": False, "alerts": False},
            }
        )
        directory.mkdir(parents=True)
        self.db = open_database(f"sqlite:///{directory / 'cycle.db'}")
        Migrations(self.db).up()
        telemetry = Telemetry.create(CollectorRegistry())
        clock = SystemClock()
        self.writer = Writer(telemetry, clock, self.db.close)
        self.writer.start()
        parts = parts_of(self.db, self.writer, telemetry, clock)
        self.composition = compose(settings, parts, self.writer)
        self.queries: list[Query] = []

    @property
    def engine(self) -> Engine:
        """The engine of the only source."""
        return self.composition.engines[0]

    def run(self, start: int) -> float:
        """Return the seconds that one window takes, committed."""
        began = time.perf_counter()
        self.engine.do(Window(start))
        return time.perf_counter() - began

    def close(self) -> None:
        """Let go of threads and files."""
        for source in self.composition.sources:
            source.close()
        self.writer.stop()
        self.db.close()


def remember_queries(cycles: Cycles) -> None:
    """Note every request for samples that the source sends, for the peer to repeat."""
    client = cycles.composition.sources[0]._api._client  # type: ignore[attr-defined]  # noqa: SLF001 - what it sends is the point
    request = client.request

    def noting(method: str, path: str, **how: Any) -> Any:
        fields, headers = how.get("fields") or {}, dict(how.get("headers") or {})
        if path == "/api/v1/read":
            cycles.queries.append(Query(path, how["body"], headers))
        elif fields.get("query", "").endswith("s]"):
            headers["content-type"] = "application/x-www-form-urlencoded"
            cycles.queries.append(Query(path, urlencode(fields).encode(), headers))
        return request(method, path, **how)

    client.request = noting


def name_kinds(cycles: Cycles) -> None:
    """Say what targets would, which blocks are without; unknown is asked for again."""
    sql = "UPDATE series SET kind = 'gauge' WHERE kind = 'unknown'"
    cycles.writer.call("kinds", lambda: cycles.db.execute_sql(sql))


def measure(cycles: Cycles, discarder: Discarder, rows: int) -> dict[str, float]:
    """Return the median seconds of ours, of the peer, and of our CPU."""
    remember_queries(cycles)
    taken: dict[str, list[float]] = {"ours": [], "peer": [], "cpu": []}
    for number in range(WINDOWS):
        cycles.queries.clear()
        cpu = time.process_time()
        seconds = cycles.run(BEGIN + 60 * number)
        cpu = time.process_time() - cpu
        queries = list(cycles.queries)
        if not queries:
            raise RuntimeError("there is nothing for the peer to send")
        peer = discarder.run(queries)
        for name, value in (("ours", seconds), ("peer", peer), ("cpu", cpu)):
            taken[name].append(value)
        name_kinds(cycles)
    (found,) = cycles.db.execute_sql("SELECT COUNT(*) FROM rollup_minute").fetchone()
    if found != rows * WINDOWS:
        raise RuntimeError(f"{found} rows instead of {rows * WINDOWS}")
    # The first window plans, and meets all series.
    return {name: statistics.median(values[1:]) for name, values in taken.items()}


def peak_memory_mb(url: str, directory: Path, selector: str, transport: str) -> float:
    """Return the peak resident size of a process that does cycles, in MB."""
    command = [sys.executable, __file__, "--only-cycles"]
    command += [url, str(directory), selector, transport]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(said.stdout)["peak_mb"])


def only_cycles(url: str, directory: str, selector: str, transport: str) -> None:
    """Do all windows and print the peak memory of this process."""
    with tempfile.TemporaryDirectory(dir=directory) as own:
        cycles = Cycles(Path(own) / "only", url, selector, transport)
        for number in range(WINDOWS):
            cycles.run(BEGIN + 60 * number)
        cycles.close()
    # Not getrusage: that begins with the peak of the process that forked this one.
    status = Path("/proc/self/status").read_text()
    peak_kib = next(line for line in status.splitlines() if "VmHWM" in line).split()[1]
    print(json.dumps({"peak_mb": int(peak_kib) * 1024 / 1e6}))


def claims_of(url: str, directory: Path, load: Load, transport: str) -> Iterator[Claim]:
    """Measure one load by one transport."""
    own = directory / f"{load.name}-{transport}"
    cycles = Cycles(own, url, load.selector, transport)
    found = measure(cycles, Discarder(url), load.rows)
    cycles.close()
    found["peak"] = peak_memory_mb(url, directory, load.selector, transport)
    found = {name: round(value, 4) for name, value in found.items()}
    name = f"{load.name}, {transport}"
    yield Claim(f"a window of {name}, s", found["ours"], found["peer"], WALL_GOAL)
    yield Claim(f"its CPU, {name}, s", found["cpu"])
    goal = None if load.rows < max(SIZES) else MEMORY_GOAL_MB
    yield Claim(f"peak memory, {name}, MB", round(found["peak"], 1), None, goal)


def main() -> None:
    """Measure all sizes."""
    arguments = parser(__doc__)
    arguments.add_argument("--only-cycles", nargs=4, help="what one process does")
    arguments.add_argument("--sizes", nargs="*", type=int, default=SIZES)
    arguments.add_argument("--histograms", type=int, default=HISTOGRAMS)
    arguments.add_argument("--transports", nargs="+", default=TRANSPORTS)
    chosen = arguments.parse_args()
    if chosen.only_cycles:
        only_cycles(*chosen.only_cycles)
        return
    claims: list[Claim] = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        data = directory / "blocks"
        loads = []
        for size in chosen.sizes:
            create_blocks(data, lines(size))
            loads.append(series_load(size))
        if chosen.histograms:
            create_blocks(data, histogram_lines(chosen.histograms))
            loads.append(histogram_load(chosen.histograms))
        with RealPrometheus(directory / "prometheus", data_dir=data) as prometheus:
            for load in loads:
                for transport in chosen.transports:
                    claims += claims_of(prometheus.url, directory, load, transport)
    report(claims, "a cycle against discarding the answers", as_json=chosen.json)


if __name__ == "__main__":
    main()
