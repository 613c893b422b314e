"""One cycle of the engine against a client that throws the same answers away.

A real Prometheus holds 1,000, 10,000 and 100,000 series (100 metrics, 6 labels, a
sample every 15 s). Ours reads a window, rolls it up and commits it to SQLite; the peer
sends the same requests over as many connections and discards the bodies. Both take
turns, window by window; medians are compared. Peak memory is that of a process that
does nothing but cycles.
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

    def __init__(self, directory: Path, url: str, size: int) -> None:
        selector = f'{{__name__=~"bench_{size}_.*"}}'
        settings = Settings.model_validate(
            {
                "sources": [
                    {
                        "name": "bench",
                        "kind": "prometheus",
                        "url": url,
                        "selectors": [selector],
                    }
                ],
                "events": {"down": False, "alerts": False},
            }
        )
        self.db = open_database(f"sqlite:///{directory / f'cycle-{size}.db'}")
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


def measure(url: str, directory: Path, size: int) -> tuple[float, float]:
    """Return the median seconds of ours and of the peer."""
    cycles, discarder = Cycles(directory, url, size), Discarder(url)
    remember_queries(cycles)
    ours, peers = [], []
    for number in range(WINDOWS):
        cycles.queries.clear()
        seconds = cycles.run(BEGIN + 60 * number)
        queries = list(cycles.queries)
        if not queries:
            raise RuntimeError("there is nothing for the peer to send")
        peer = discarder.run(queries)
        if number:
            ours.append(seconds)
            peers.append(peer)
    (rows,) = cycles.db.execute_sql("SELECT COUNT(*) FROM rollup_minute").fetchone()
    if rows != size * WINDOWS:
        raise RuntimeError(f"{rows} rows instead of {size * WINDOWS}")
    cycles.close()
    return statistics.median(ours), statistics.median(peers)


def peak_memory_mb(url: str, directory: Path, size: int) -> float:
    """Return the peak resident size of a process that does cycles, in MB."""
    command = [
        sys.executable,
        __file__,
        "--only-cycles",
        url,
        str(directory),
        str(size),
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(said.stdout)["peak_mb"])


def only_cycles(url: str, directory: str, size: str) -> None:
    """Do all windows and print the peak memory of this process."""
    with tempfile.TemporaryDirectory(dir=directory) as own:
        cycles = Cycles(Path(own), url, int(size))
        for number in range(WINDOWS):
            cycles.run(BEGIN + 60 * number)
        cycles.close()
    # Not getrusage: that begins with the peak of the process that forked this one.
    status = Path("/proc/self/status").read_text()
    peak_kib = next(line for line in status.splitlines() if "VmHWM" in line).split()[1]
    print(json.dumps({"peak_mb": int(peak_kib) * 1024 / 1e6}))


def claims_of(url: str, directory: Path, size: int) -> list[Claim]:
    """Measure one size."""
    ours, peer = measure(url, directory, size)
    peak = peak_memory_mb(url, directory, size)
    wall = f"cycle, {size} series, s"
    memory = f"peak memory, {size} series, MB"
    return [
        Claim(wall, round(ours, 4), round(peer, 4), WALL_GOAL),
        Claim(memory, round(peak, 1), None, MEMORY_GOAL_MB),
    ]


def main() -> None:
    """Measure all sizes."""
    arguments = parser(__doc__)
    arguments.add_argument("--only-cycles", nargs=3, metavar=("URL", "DIR", "SIZE"))
    arguments.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    chosen = arguments.parse_args()
    if chosen.only_cycles:
        only_cycles(*chosen.only_cycles)
        return
    claims: list[Claim] = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        data = directory / "blocks"
        for size in chosen.sizes:
            create_blocks(data, lines(size))
        with RealPrometheus(directory / "prometheus", data_dir=data) as prometheus:
            for size in chosen.sizes:
                claims += claims_of(prometheus.url, directory, size)
    report(claims, "a cycle against discarding the answers", as_json=chosen.json)


if __name__ == "__main__":
    main()
