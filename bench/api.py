"""Thirty days by hour over HTTP, against Prometheus' query_range over the same samples.

A real Prometheus holds 101 series with a sample every minute for thirty days, in
blocks; ours holds their hour rows in SQLite, served by two workers. Both are asked for
the hourly averages of one series and of a hundred, and must answer the same numbers.
`wrk` asks them in turns over a connection that stays open, and medians are compared;
then with eight clients at once, where the time for each request is the server's.
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
from bridge.rollup.rows import Rows, no_blobs  # noqa: E402 - same
from bridge.rollup.windows import Resolution  # noqa: E402 - same
from models.bulk import upsert_rollups  # noqa: E402 - same
from models.database import open_database  # noqa: E402 - same
from models.directory import SeriesDirectory, SeriesFacts, canonical  # noqa: E402 - same
from models.migrate import Migrations  # noqa: E402 - same
from models.queries import ledger  # noqa: E402 - same
from tests.servers import RealPrometheus, free_port  # noqa: E402 - same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

DAYS: Final = 30
HOURS: Final = DAYS * 24
HOUR: Final = 3600
BEGIN: Final = 1_790_000_000 // HOUR * HOUR
END: Final = BEGIN + HOURS * HOUR
MANY: Final = 100
ROUNDS: Final = 3
SECONDS: Final = 3
WORKERS: Final = 2
CLIENTS: Final = 8
RATIO_GOAL: Final = 0.2
MILLISECONDS_GOAL: Final = {1: 1.0, MANY: 40.0}
MILLISECONDS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0}
ASKED: Final = {1: "bench_lone", MANY: "bench_many"}
"""The metric that so many series have."""
BLOCK_HOURS: Final = 54
"""The longest block that Prometheus makes when it keeps thirty days."""


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
            last_offset=ones * 3_540_000,
            gap=ones * 0,
            changes=ones * 59,
            buckets=no_blobs(HOURS),
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


def write_blocks(data: Path, samples: list[Sample]) -> None:
    """Write the samples as Prometheus has them after a month: in compacted blocks."""
    data.mkdir(parents=True)
    text = data.parent / "samples.txt"
    with text.open("w", encoding="utf-8") as file:
        for one in samples:
            file.writelines(f"{line}\n" for line in one.lines())
        file.write("# EOF\n")
    command = ["promtool", "tsdb", "create-blocks-from"]
    command += [
        f"--max-block-duration={BLOCK_HOURS}h",
        "openmetrics",
        str(text),
        str(data),
    ]
    subprocess.run(command, check=True, capture_output=True)
    text.unlink()


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

    def ask(self, series: int) -> bytes:
        """Return the answer to the question of so many series."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", self.question[series])
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise SystemExit(f"{self.question[series]} answered {body[:500]!r}")
        return body

    def measure(self, series: int, clients: int) -> tuple[float, float]:
        """Return milliseconds: the median of an answer, and the time for each."""
        url = f"http://127.0.0.1:{self.port}{self.question[series]}"
        command = ["wrk", "-t1", f"-c{clients}", f"-d{SECONDS}s", "--timeout", "30s"]
        said = subprocess.run(
            [*command, "--latency", url], check=True, capture_output=True, text=True
        ).stdout
        median = re.search(r"50%\s+([\d.]+)(us|ms|s)", said)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
        if not median or not rate or "Non-2xx" in said or not float(rate[1]):
            raise SystemExit(f"wrk could not measure {url}:\n{said}")
        return float(median[1]) * MILLISECONDS[median[2]], 1000 / float(rate[1])


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
            for series, metric in ASKED.items()
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
            for series, metric in ASKED.items()
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


def measure(mine: Server, theirs: Server) -> Iterator[Claim]:
    """Ask both in turns and compare."""
    for series in ASKED:
        compare(mine.ask(series), theirs.ask(series))
        name = f"{series} series, {DAYS} days by hour"
        rounds = [
            (mine.measure(series, 1), theirs.measure(series, 1)) for _ in range(ROUNDS)
        ]
        taken = round(statistics.median(ours for (ours, _), _ in rounds), 3)
        other = round(statistics.median(peer for _, (peer, _) in rounds), 3)
        yield Claim(f"{name}: ms", taken, None, MILLISECONDS_GOAL[series])
        yield Claim(f"{name}: ms against query_range", taken, other, RATIO_GOAL)
        busy = [server.measure(series, CLIENTS)[1] for server in (mine, theirs)]
        yield Claim(
            f"{name}, {CLIENTS} clients at once: ms of the server per request",
            round(busy[0], 3),
            round(busy[1], 3),
            RATIO_GOAL,
        )


def main() -> None:
    """Measure and report."""
    options = parser(__doc__).parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed")
    samples = past()
    with tempfile.TemporaryDirectory(prefix="epimetheus-bench-") as name:
        directory = Path(name)
        data = directory / "prometheus" / "data"
        write_blocks(data, samples)
        config = store(samples, directory)
        with (
            RealPrometheus(
                directory / "prometheus",
                flags=[f"--storage.tsdb.max-block-duration={BLOCK_HOURS}h"],
            ) as prometheus,
            workers(config) as port,
        ):
            claims = list(measure(ours(port), peer(prometheus.port)))
    title = f"rollups API with {WORKERS} workers against query_range"
    report(claims, title, as_json=options.json)


if __name__ == "__main__":
    main()
