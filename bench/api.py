"""Thirty days by hour over HTTP, against Prometheus' query_range over the same samples.

A real Prometheus holds 101 series with a sample every minute for thirty days, in
blocks; ours holds their hour rows in SQLite, served by two workers. Both are asked for
the hourly averages of one series and of a hundred, and must answer the same numbers.
Asked in turns over connections that stay open; medians are compared. Under load eight
clients of `wrk` ask at once, and the time per request is what the server needs for it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - from the line above
from _claims import Claim, parser, report  # noqa: E402 - beside this file

from bridge.answers.rollups import TABLES  # noqa: E402 - same
from bridge.rollup.rows import Rows  # noqa: E402 - same
from bridge.rollup.windows import Resolution  # noqa: E402 - same
from models.bulk import upsert_rollups  # noqa: E402 - same
from models.database import open_database  # noqa: E402 - same
from models.directory import SeriesDirectory, SeriesFacts, canonical  # noqa: E402 - same
from models.migrate import Migrations  # noqa: E402 - same
from models.queries import ledger  # noqa: E402 - same
from tests.servers import RealPrometheus, create_blocks, free_port  # noqa: E402 - same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

DAYS: Final = 30
HOURS: Final = DAYS * 24
HOUR: Final = 3600
BEGIN: Final = 1_790_000_000 // HOUR * HOUR
END: Final = BEGIN + HOURS * HOUR
MANY: Final = 100
ROUNDS: Final = 5
WORKERS: Final = 2
LOAD_SECONDS: Final = 4
RATIO_GOAL: Final = 0.2
MILLISECONDS_GOAL: Final = {1: 1.0, MANY: 40.0}
ASKED: Final = {1: ("bench_lone", 100), MANY: ("bench_many", 8)}
"""The metric that so many series have, and how often a round asks for it."""


@dataclass(frozen=True)
class Sample:
    """One series: its labels and a value for each minute."""

    metric: str
    labels: dict[str, str]
    values: NDArray[np.float64]

    def lines(self) -> Iterator[str]:
        """Yield its samples as OpenMetrics."""
        inside = ",".join(f'{name}="{value}"' for name, value in self.labels.items())
        prefix = f"{self.metric}{{{inside}}}"
        for minute, value in enumerate(self.values.tolist()):
            yield f"{prefix} {value!r} {BEGIN + minute * 60}"

    def rows(self, series_id: int) -> Rows:
        """Return its hours."""
        hours = self.values.reshape(HOURS, 60)
        ones = np.ones(HOURS, dtype=np.int64)
        return Rows(
            series_id=ones * series_id,
            start=BEGIN + np.arange(HOURS, dtype=np.int64) * HOUR,
            count=ones * 60,
            sum=hours.sum(axis=1),
            min=hours.min(axis=1),
            max=hours.max(axis=1),
            first=hours[:, 0].copy(),
            last=hours[:, -1].copy(),
            increase=np.full(HOURS, np.nan),
            resets=ones * 0,
            expected=ones * 60,
            flags=ones * 0,
        )


def past() -> list[Sample]:
    """Return the series, alike in every run: load averages of a hundred hosts."""
    random = np.random.default_rng(7)
    minutes = np.arange(HOURS * 60)
    made = []
    for number in range(MANY + 1):
        daily = 2 + np.sin(minutes / 1440 * 2 * np.pi + number)
        values = np.round(daily + random.random(len(minutes)), 2)
        metric = "bench_lone" if number == MANY else "bench_many"
        labels = {
            "instance": f"10.0.0.{number}:9105",
            "job": "node",
            "rack": f"r{number % 7}",
            "team": "core",
            "zone": f"z{number % 3}",
        }
        made.append(Sample(metric, labels, values))
    return made


def store(samples: list[Sample], directory: Path) -> Path:
    """Write the hours into a database; return the configuration that names it."""
    url = f"sqlite:///{directory}/epimetheus.db"
    db = open_database(url)
    Migrations(db).up()
    facts = [SeriesFacts(one.metric, canonical(one.labels), "gauge") for one in samples]
    ids = SeriesDirectory(db).resolve("bench", facts, BEGIN)
    starts = list(range(BEGIN, END, HOUR))
    with db.atomic():
        for one, series_id in zip(samples, ids.tolist(), strict=True):
            upsert_rollups(db, TABLES[Resolution.HOUR], one.rows(series_id))
        ledger.mark(db, "bench", Resolution.HOUR.value, starts, "done", "", END)
    db.close()
    path = directory / "config.yaml"
    path.write_text(f"database: {{url: '{url}'}}\n", encoding="utf-8")
    return path


@contextmanager
def workers(config: Path) -> Iterator[int]:
    """Run the API's workers; give their port."""
    port = free_port()
    environ = {**os.environ, "EPIMETHEUS_CONFIG": str(config)}
    environ["EPIMETHEUS__LOG__LEVEL"] = "error"
    command = [sys.executable, "-m", "bridge.workers", "127.0.0.1", str(port)]
    process = subprocess.Popen([*command, str(WORKERS)], env=environ, cwd=ROOT)
    try:
        give_up = time.monotonic() + 30
        while not _answers(port):
            if time.monotonic() > give_up or process.poll() is not None:
                raise SystemExit("the API did not come up")
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/-/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@dataclass(frozen=True)
class Server:
    """Where to ask, and how the question is written there."""

    port: int
    question: dict[int, str]

    @contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        """Keep a connection open."""
        opened = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            yield opened
        finally:
            opened.close()

    def ask(self, connection: http.client.HTTPConnection, series: int) -> bytes:
        """Return the answer to the question of so many series."""
        connection.request("GET", self.question[series])
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{self.question[series]} answered {body[:500]!r}")
        return body

    def milliseconds(
        self, connection: http.client.HTTPConnection, series: int, times: int
    ) -> list[float]:
        """Return how long each of some requests took."""
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            self.ask(connection, series)
            taken.append((time.perf_counter() - began) * 1000)
        return taken

    def under_load(self, series: int) -> float:
        """Return milliseconds per request while eight clients ask at once."""
        url = f"http://127.0.0.1:{self.port}{self.question[series]}"
        command = ["wrk", "-t1", "-c8", f"-d{LOAD_SECONDS}s", "--timeout", "30s", url]
        said = subprocess.run(command, check=True, capture_output=True, text=True)
        found = re.search(r"Requests/sec:\s+([\d.]+)", said.stdout)
        if found is None or "Non-2xx" in said.stdout or not float(found[1]):
            raise SystemExit(f"wrk could not measure {url}:\n{said.stdout}")
        return 1000 / float(found[1])


def ours(port: int) -> Server:
    """Return our API with its questions."""
    return Server(
        port,
        {
            series: "/api/v1/rollups?"
            + urlencode(
                {
                    "match": metric,
                    "start": BEGIN,
                    "end": END,
                    "resolution": "hour",
                    "aggregate": "avg",
                }
            )
            for series, (metric, _) in ASKED.items()
        },
    )


def peer(port: int) -> Server:
    """Return Prometheus with its questions; a millisecond cuts as a window does."""
    return Server(
        port,
        {
            series: "/api/v1/query_range?"
            + urlencode(
                {
                    "query": f"avg_over_time({metric}[1h])",
                    "start": f"{BEGIN + HOUR - 0.001:.3f}",
                    "end": f"{END - 0.001:.3f}",
                    "step": HOUR,
                }
            )
            for series, (metric, _) in ASKED.items()
        },
    )


def compare(mine: bytes, theirs: bytes) -> None:
    """Refuse to compare times of servers that answer different numbers."""
    expected = {
        line["metric"]["instance"]: [float(value) for _, value in line["values"]]
        for line in json.loads(theirs)["data"]["result"]
    }
    found: dict[str, Any] = {
        line["labels"]["instance"]: line["avg"] for line in json.loads(mine)["series"]
    }
    if expected.keys() != found.keys():
        raise SystemExit("ours and Prometheus answered different series")
    for instance, values in expected.items():
        if len(values) != HOURS or not np.allclose(
            values, found[instance], rtol=1e-12, atol=0
        ):
            raise SystemExit(f"ours and Prometheus differ for {instance}")


def measure(mine: Server, theirs: Server) -> list[Claim]:
    """Ask both in turns and compare."""
    claims = []
    with mine.connection() as to_us, theirs.connection() as to_them:
        for series, (_, times) in ASKED.items():
            compare(mine.ask(to_us, series), theirs.ask(to_them, series))
            taken: list[float] = []
            peers: list[float] = []
            for _ in range(ROUNDS):
                taken += mine.milliseconds(to_us, series, times)
                peers += theirs.milliseconds(to_them, series, times)
            name = f"{series} series, {DAYS} days by hour"
            median, other = statistics.median(taken), statistics.median(peers)
            claims += [
                Claim(f"{name}: ms", round(median, 3), None, MILLISECONDS_GOAL[series]),
                Claim(f"{name}: ms", round(median, 3), round(other, 3), RATIO_GOAL),
            ]
    for series in ASKED:
        claims.append(
            Claim(
                f"{series} series, {DAYS} days by hour, 8 clients: ms per request",
                round(mine.under_load(series), 3),
                round(theirs.under_load(series), 3),
                RATIO_GOAL,
            )
        )
    return claims


def main() -> None:
    """Measure and report."""
    options = parser(__doc__).parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed")
    samples = past()
    with tempfile.TemporaryDirectory(prefix="epimetheus-bench-") as name:
        directory = Path(name)
        data = directory / "prometheus" / "data"
        create_blocks(data, (line for one in samples for line in one.lines()))
        config = store(samples, directory)
        with (
            RealPrometheus(directory / "prometheus") as prometheus,
            workers(config) as port,
        ):
            claims = measure(ours(port), peer(prometheus.port))
    title = f"rollups API with {WORKERS} workers against query_range"
    report(claims, title, as_json=options.json)


if __name__ == "__main__":
    main()
