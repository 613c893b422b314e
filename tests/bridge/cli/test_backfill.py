from __future__ import annotations

import signal
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from unittest.mock import Mock

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result
from prometheus_client import CollectorRegistry

from bridge import backfill
from bridge.__main__ import command
from bridge.cli.backfill import _again, _Task
from bridge.composition import compose, parts_of
from bridge.sources.base import SourceError
from bridge.storage import open_prepared
from bridge.telemetry import Telemetry
from bridge.writer import Writer
from models.lease import Lease
from models.queries import ledger
from runtime import config
from runtime.clock import SystemClock
from tests.bridge.rollup.world import BEGIN as WORLD
from tests.bridge.rollup.world import World
from tests.fakes import FakeClock
from tests.oracle import expected_row
from tests.servers import RealPrometheus, create_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.database import Database

HOURS = 3
BEGIN = (int(time.time()) // 3600 - 10) * 3600
END = BEGIN + HOURS * 3600
SAMPLES = [((BEGIN + t) * 1000, float(t // 15)) for t in range(0, HOURS * 3600, 15)]

_SILENT = [SourceError("refused", "it is away")] * 200


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    directory = tmp_path_factory.mktemp("prometheus")
    lines = ["# TYPE turns counter"]
    lines += [f"turns_total {value} {ms // 1000}" for ms, value in SAMPLES]
    lines += ["# TYPE spins_total counter"]
    lines += [
        f'spins_total{{job="j",instance="i",pod="{pod}"}} {value * pod} {ms // 1000}'
        for pod in range(1, 5)
        for ms, value in SAMPLES
    ]
    lines += ["# TYPE up gauge"]
    lines += [f'up{{job="j",instance="i"}} 1 {ms // 1000}' for ms, _ in SAMPLES]
    create_blocks(directory / "blocks", lines)
    with RealPrometheus(directory, data_dir=directory / "blocks") as server:
        yield server


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = {
        number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def settings_file(tmp_path: Path, prometheus: RealPrometheus) -> Path:
    path = tmp_path / "config.yaml"
    source = {
        "name": "prom",
        "kind": "prometheus",
        "url": prometheus.url,
        "selectors": ["turns_total"],
        "initial_history": "1s",
    }
    settings = {
        "database": {"url": f"sqlite:///{tmp_path / 'history.db'}"},
        "sources": [source],
    }
    path.write_text(yaml.safe_dump(settings))
    return path


def run(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["--config", str(path), *arguments])


def rows(path: Path) -> dict[int, tuple[int, float]]:
    """Count and increase of the counter's minutes of the history, by their starts."""
    db = open_prepared(config.load(path, {}).database)
    found = db.execute_sql(
        "SELECT start, count, increase FROM minutes WHERE metric = 'turns_total'"
    ).fetchall()
    db.close()
    return {start: (count, increase) for start, count, increase in found}


def truth() -> dict[int, tuple[int, float]]:
    found = {}
    for start in range(BEGIN, END, 60):
        row = expected_row(SAMPLES, start * 1000, start * 1000 + 60_000, counter=True)
        assert row is not None
        assert row.increase is not None
        found[start] = (row.count, row.increase)
    return found


def test_history_that_prometheus_still_has_is_rolled_up(settings_file: Path) -> None:
    result = run(settings_file, "backfill", "--start", str(BEGIN))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    windows = int(lines[0].split()[0])
    assert lines[0].startswith(f"{windows} windows of prom from ")
    assert lines[-1] == f"{windows} of {windows} windows done"
    assert rows(settings_file) == truth()
    again = run(settings_file, "backfill", "--start", str(BEGIN))
    assert again.exit_code == 0
    assert again.stdout.startswith("the windows of 'prom' since ")


def test_history_begins_with_the_first_sample_there_is(settings_file: Path) -> None:
    result = run(settings_file, "backfill", "--start", str(BEGIN - 7200))
    assert result.exit_code == 0, result.output
    first = datetime.fromtimestamp(BEGIN, UTC).isoformat().replace("+00:00", "Z")
    assert result.stdout.startswith(f"prom has nothing before {first}\n")
    assert rows(settings_file) == truth()
    db = open_prepared(config.load(settings_file, {}).database)
    assert ledger.begin(db, "prom", "minute") == BEGIN
    db.close()


def test_where_there_is_no_history_there_is_nothing_to_do(settings_file: Path) -> None:
    result = run(settings_file, "backfill", "--start", "-1h")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("prom has no samples since ")


def test_a_server_that_is_away_is_said_to_be(
    settings_file: Path, prometheus: RealPrometheus
) -> None:
    text = settings_file.read_text().replace(prometheus.url, "http://127.0.0.1:9")
    settings_file.write_text(text)
    result = run(settings_file, "backfill", "--start", "-1h")
    assert result.exit_code == 1
    assert "prom did not answer: " in result.output


@pytest.mark.parametrize("what", [["--redo"], ["--match", "turns_total"]])
def test_what_is_done_again_is_given_up_where_the_server_is_away(
    settings_file: Path, prometheus: RealPrometheus, what: list[str]
) -> None:
    run(settings_file, "backfill", "--start", str(BEGIN))
    before = figures(settings_file)
    text = settings_file.read_text().replace(prometheus.url, "http://127.0.0.1:9")
    settings_file.write_text(text)
    span = ("--start", str(BEGIN), "--end", str(END))
    result = run(settings_file, "backfill", *what, *span)
    assert result.exit_code == 1
    assert "prom did not answer: " in result.output
    assert figures(settings_file) == before


def test_a_span_is_done_again(settings_file: Path) -> None:
    run(settings_file, "backfill", "--start", str(BEGIN))
    db = open_prepared(config.load(settings_file, {}).database)
    db.execute_sql("UPDATE rollup_minute SET increase = 99")
    db.close()
    result = run(
        settings_file,
        *("backfill", "--redo", "--start", str(BEGIN), "--end", str(END)),
    )
    assert result.exit_code == 0, result.output
    assert rows(settings_file) == truth()


@pytest.mark.rule(76)
def test_r76_folded_series_of_prometheus_keep_the_totals(settings_file: Path) -> None:
    settings = yaml.safe_load(settings_file.read_text())
    settings["sources"][0] |= {"selectors": ["spins_total"], "max_series": 2}
    settings_file.write_text(yaml.safe_dump(settings))
    result = run(settings_file, "backfill", "--start", str(BEGIN))
    assert result.exit_code == 0, result.output
    db = open_prepared(config.load(settings_file, {}).database)
    found = db.execute_sql(
        "SELECT start, SUM(increase), SUM(count) FROM minutes "
        "WHERE metric = 'spins_total' GROUP BY start ORDER BY start"
    ).fetchall()
    named = "SELECT labels FROM series WHERE metric = 'spins_total' ORDER BY id"
    labels = [label for (label,) in db.execute_sql(named).fetchall()]
    db.close()
    assert len(labels) < 4
    assert '{"job":"j","overflow":"true"}' in labels
    # One a minute is four steps of pod 1, and ten pods' worth of it in all.
    assert found[1:] == [(start, 40.0, 16) for start in range(BEGIN + 60, END, 60)]


class RunningEngine:
    """A bridge's engine in this process, holding the lease."""

    def __init__(self, path: Path) -> None:
        settings = config.load(path, {})
        self.db: Database = open_prepared(settings.database)
        self.lease = Lease(self.db)
        clock = SystemClock()
        telemetry = Telemetry.create(CollectorRegistry())
        self.writer = Writer(telemetry, clock, self.db.close)
        parts = parts_of(self.db, self.writer, telemetry, clock)
        self.composition = compose(settings, parts, self.writer)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self.stop.wait(0.1):
            self.composition.engines[0].beat()
        self.db.close()

    def __enter__(self) -> None:
        self.lease.start()
        self.writer.start()
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self.composition.close()
        self.writer.stop()
        self.lease.stop()


def test_a_bridge_that_is_running_does_the_work(settings_file: Path) -> None:
    with RunningEngine(settings_file):
        result = run(settings_file, "backfill", "--start", str(BEGIN))
    assert result.exit_code == 0, result.output
    assert "a bridge is running and does them" in result.output
    assert rows(settings_file) == truth()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--start", "then"], 2, "start: 'then' is not a time"),
        (["--start", "-1d", "--end", "now"], 2, "--end goes with --redo or --match"),
        (["--start", "-1d", "--source", "x"], 2, "'x' is not a source with a history"),
        (["--start", "now"], 2, "is not before end"),
        (["--redo", "--start", "-1d"], 0, "has no finished window of 'prom'"),
        ([], 2, "Missing option '--start'"),
    ],
)
def test_wrong_wishes_are_refused_with_the_reason(
    settings_file: Path, arguments: list[str], code: int, said: str
) -> None:
    result = run(settings_file, "backfill", *arguments)
    assert said in result.output
    assert result.exit_code == code


def test_sources_without_a_history_are_said_to_have_none(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"database: {{url: 'sqlite:///{tmp_path}/x.db'}}\n")
    result = run(path, "backfill", "--start", "-1d")
    assert result.exit_code == 1
    assert "no source of kind prometheus is configured" in result.output


class WorkingClock(FakeClock):
    """A clock by which an engine works while others wait."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.asked: list[tuple[float, int]] = []

    def wait(self, event: threading.Event, seconds: float) -> bool:
        pending = sum(state != "done" for state in self._world.states().values())
        if pending:
            self.asked.append((self.monotonic(), pending))
        self._world.engine.beat()
        return super().wait(event, seconds)


def test_no_more_windows_are_asked_for_in_a_minute_than_wanted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.history = 300.0
    world.new_engine()
    world.feed("a_total", [(t * 1000, t / 15) for t in range(0, 3600, 15)])
    world.run_to(3000)
    span = backfill.extension(world.db, "list", WORLD + 600, WORLD + 3000)
    clock = WorkingClock(world)
    task = _Task(backfill.Portions(world.db, span, again=False), clock, rate=15)
    task.watch()
    assert task.done() == span.windows == 35
    times = [time for time, _ in clock.asked]
    assert len(times) == 3
    assert min(np.diff(times)) >= 60
    assert world.rows("rollup_minute") == world.truth(600, 3000)
    world.db.close()


def test_a_source_that_falls_silent_for_a_minute_is_given_up(tmp_path: Path) -> None:
    world = World(tmp_path)
    span = backfill.Span("list", WORLD, WORLD + 600)
    clock = FakeClock()
    task = _Task(backfill.Portions(world.db, span, again=False), clock)
    source = Mock(
        now_ms=Mock(side_effect=[1, SourceError("refused", "it is away"), 1, *_SILENT])
    )
    engine = Mock()
    task.beat(engine, source)
    assert task.ended.is_set()
    assert task.silence == "it is away"
    assert engine.beat.call_count == 3 + 121
    world.db.close()


def test_what_was_not_asked_for_is_said_when_it_is_interrupted(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    span = backfill.Span("list", 600, 1800)
    portions = backfill.Portions(world.db, span, again=True)
    task = _Task(portions, world.clock, rate=5)
    portions.more(5, 0)
    assert _again(task) == "--redo --start 900 --end 1800 --rate 5"
    other = _Task(backfill.Portions(world.db, span, again=False), world.clock)
    assert _again(other) == "the same command"
    world.db.close()


def widen(path: Path, *selectors: str) -> None:
    settings = yaml.safe_load(path.read_text())
    settings["sources"][0]["selectors"] = list(selectors)
    path.write_text(yaml.safe_dump(settings))


def figures(path: Path) -> list[tuple[object, ...]]:
    """What all minutes of the history say, and what the ledger says of them."""
    db = open_prepared(config.load(path, {}).database)
    found = db.execute_sql(
        "SELECT metric, labels, start, count, sum, first, last, increase, flags "
        f"FROM minutes WHERE start < {END} AND metric <> 'up' "
        "ORDER BY metric, labels, start"
    ).fetchall()
    entries = db.execute_sql(
        "SELECT start, state, samples, series FROM ledger "
        f"WHERE resolution = 'minute' AND start < {END} ORDER BY start"
    ).fetchall()
    db.close()
    return [*found, *entries]


@pytest.fixture
def wide(settings_file: Path, tmp_path: Path) -> list[tuple[object, ...]]:
    """The figures where both metrics were read from the beginning."""
    settings = yaml.safe_load(settings_file.read_text())
    settings["database"]["url"] = f"sqlite:///{tmp_path / 'wide.db'}"
    path = tmp_path / "wide.yaml"
    path.write_text(yaml.safe_dump(settings))
    widen(path, "turns_total", "spins_total")
    run(path, "backfill", "--start", str(BEGIN))
    return figures(path)


@pytest.mark.parametrize("is_running", [False, True])
def test_a_selector_that_was_added_later_is_merged_into_the_history(
    settings_file: Path, wide: list[tuple[object, ...]], *, is_running: bool
) -> None:
    run(settings_file, "backfill", "--start", str(BEGIN))
    assert figures(settings_file) != wide
    widen(settings_file, "turns_total", "spins_total")
    asked = ("backfill", "--match", "spins_total", "--start", str(BEGIN))
    wanted = (*asked, "--end", str(END))
    if is_running:
        with RunningEngine(settings_file):
            result = run(settings_file, *wanted)
        assert "a bridge is running and does them" in result.output
    else:
        result = run(settings_file, *wanted)
    assert result.exit_code == 0, result.output
    windows = (END - BEGIN) // 60
    assert f"{windows} of {windows} windows done" in result.stdout
    last = f"{windows * 4} rows of minutes added or replaced"
    assert result.stdout.splitlines()[-1] == last
    assert figures(settings_file) == wide


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--match", "spins_total"], 1, "'spins_total' is not covered by the settings"),
        (["--match", "rate(x[1m])"], 1, "is not a PromQL selector"),
        (["--match", "turns_total", "--redo"], 2, "give one of them"),
        (["--match", "turns_total"], 1, "windows before it are rolled up with all"),
    ],
)
def test_series_that_cannot_be_merged_are_refused_with_the_reason(
    settings_file: Path, arguments: list[str], code: int, said: str
) -> None:
    run(settings_file, "backfill", "--start", str(BEGIN + 600))
    result = run(settings_file, "backfill", "--start", str(BEGIN), *arguments)
    assert said in " ".join(result.output.split())
    assert result.exit_code == code
