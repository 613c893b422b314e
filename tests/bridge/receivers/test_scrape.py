from __future__ import annotations

import gzip
import json
import math
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pytest
import structlog
from prometheus_client import CollectorRegistry

from bridge.receivers.endpoint import target_labels
from bridge.receivers.lines import Identity
from bridge.receivers.scrape import Failure, Scraper
from bridge.sources.base import Block, Families, Warnings
from bridge.sources.buffer import BufferSource
from bridge.sources.stale import is_stale
from bridge.telemetry import Telemetry
from bridge.writer import WriterFull
from models.directory import SeriesDirectory, SeriesFacts
from models.queries import buffer, ledger
from models.queries.ledger import Entry
from models.queries.series import everything, kinds_of
from runtime.settings import ScrapeSource
from tests.servers import RealNodeExporter
from tests.web import Asked, FakeWeb, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.database import Database
    from tests.fakes import FakeClock

T = TypeVar("T")
NOW = 1_700_000_045.678
NOW_MS = 1_700_000_045_678
MINUTE = 1_700_000_040


class Setup:
    """A scraper of one target with a database, and what it did."""

    def __init__(
        self, db: Database, clock: FakeClock, web_url: str, **changed: Any
    ) -> None:
        clock.advance(NOW - clock.now())
        target = {
            "url": web_url,
            "job": "j",
            "instance": "i",
            **changed.pop("target", {}),
        }
        self.db = db
        self.clock = clock
        self.registry = CollectorRegistry()
        self.failures: list[Failure] = []
        self.resolved: list[SeriesFacts] = []
        self.full = False
        self.directory = SeriesDirectory(db)
        self.settings = ScrapeSource.model_validate(
            {
                "name": "local",
                "kind": "scrape",
                "targets": [{k: v for k, v in target.items() if v is not None}],
                **changed,
            }
        )
        self.scraper = Scraper(
            self.settings,
            resolve=self.resolve,
            db=db,
            call=self.call,
            telemetry=Telemetry.create(self.registry),
            clock=clock,
            on_failure=self.failures.append,
        )

    def resolve(self, facts: Sequence[SeriesFacts]) -> NDArray[np.int64]:
        self.resolved += facts
        return self.directory.resolve("local", facts, int(self.clock.now()))

    def call(self, name: str, job: Callable[[], T], /) -> T:
        if self.full:
            raise WriterFull("64 jobs wait already")
        return job()

    def scrape(self) -> dict[str, list[tuple[int, float]]]:
        """Scrape once; return all samples in the buffer by series."""
        (target,) = self.settings.targets
        self.scraper.scrape(target)
        return self.samples()

    def samples(self) -> dict[str, list[tuple[int, float]]]:
        names = {
            row.id: row.metric + json.dumps(row.labels) for row in everything(self.db)
        }
        ids, times, values, *_ = buffer.read(self.db, "local", 0, 2**40)
        found: dict[str, list[tuple[int, float]]] = {}
        for series, at, value in zip(
            ids.tolist(), times.tolist(), values.tolist(), strict=True
        ):
            found.setdefault(names[series], []).append((at, value))
        return found

    def kinds(self) -> dict[str, str]:
        return {row.metric: row.kind for row in everything(self.db)}

    def counted(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(
            f"epimetheus_{name}_total", {"source": "local", **labels}
        )

    def close(self) -> None:
        self.scraper.close()


TEXT = """\
# TYPE load gauge
load 0.5
# TYPE jobs_total counter
jobs_total 7
"""


class Target:
    """A target whose text a test sets."""

    def __init__(self) -> None:
        self.text = (
            "# TYPE load gauge\nload 0.5\n# TYPE jobs_total counter\njobs_total 7\n"
        )
        self.told: Told | None = None
        self.web = FakeWeb(self._answer)

    def _answer(self, asked: Asked) -> Told:
        headers = {"Content-Type": "text/plain; version=0.0.4"}
        return self.told or Told(self.text.encode(), headers=headers)


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target()
    with made.web:
        yield made


def own(labels: str, up: float, scraped: float, added: float) -> dict[str, Any]:
    """Return what a scrape at NOW leaves of itself."""
    values = {
        "up": up,
        "scrape_duration_seconds": 0.0,
        "scrape_samples_scraped": scraped,
        "scrape_samples_post_metric_relabeling": scraped,
        "scrape_series_added": added,
    }
    return {name + labels: [(NOW_MS, value)] for name, value in values.items()}


LABELS = '{"instance": "i", "job": "j"}'


@pytest.mark.setting("sources.scrape.targets.url")
@pytest.mark.setting("sources.scrape.targets.job")
@pytest.mark.setting("sources.scrape.targets.instance")
def test_a_scrape_keeps_all_samples_and_what_is_to_say_of_itself(
    db: Database, clock: FakeClock, target: Target
) -> None:
    url = f"{target.web.url}/probe/metrics?module=x"
    with closing(Setup(db, clock, url)) as setup:
        assert setup.scrape() == {
            f"load{LABELS}": [(NOW_MS, 0.5)],
            f"jobs_total{LABELS}": [(NOW_MS, 7.0)],
            **own(LABELS, 1, 2, 2),
        }
        assert setup.kinds() == {
            "load": "gauge",
            "jobs_total": "counter",
            **dict.fromkeys(
                [name.removesuffix(LABELS) for name in own(LABELS, 1, 2, 2)], "gauge"
            ),
        }
        assert setup.failures == []
        assert setup.counted("scrapes", outcome="ok") == 1
    (asked,) = target.web.asked
    assert (asked.method, asked.path) == ("GET", "/probe/metrics")
    assert asked.fields == {"module": "x"}
    assert asked.headers["accept"].startswith("text/plain;version=0.0.4")
    assert asked.headers["x-prometheus-scrape-timeout-seconds"] == "10"


def test_without_an_instance_it_is_host_and_port(
    db: Database, clock: FakeClock, target: Target
) -> None:
    at = {"instance": None}
    with closing(Setup(db, clock, f"{target.web.url}/metrics", target=at)) as setup:
        labels = f'{{"instance": "127.0.0.1:{target.web.port}", "job": "j"}}'
        assert f"up{labels}" in setup.scrape()


def test_a_second_scrape_resolves_nothing_and_adds_nothing(
    db: Database, clock: FakeClock, target: Target
) -> None:
    with closing(Setup(db, clock, target.web.url)) as setup:
        setup.scrape()
        resolved = len(setup.resolved)
        clock.advance(15)
        target.text += "fresh 1\n"
        found = setup.scrape()
        assert found[f"load{LABELS}"] == [(NOW_MS, 0.5), (NOW_MS + 15_000, 0.5)]
        added = [value for _, value in found[f"scrape_series_added{LABELS}"]]
        assert added == [2.0, 1.0]
        assert [fact.metric for fact in setup.resolved[resolved:]] == ["fresh"]


def test_a_family_that_changes_reaches_the_series(
    db: Database, clock: FakeClock, target: Target
) -> None:
    target.text = "jobs 1\nload 2\n"
    with closing(Setup(db, clock, target.web.url)) as setup:
        setup.scrape()
        assert setup.kinds()["jobs"] == "unknown"
        target.text = "# HELP jobs Done.\n# TYPE jobs counter\njobs 1\nload 2\n"
        setup.scrape()
        assert setup.kinds()["jobs"] == "counter"
        assert [fact.metric for fact in setup.resolved].count("load") == 1


@pytest.mark.parametrize(
    ("told", "reason", "message"),
    [
        (Told(b"busy", 503), "status", "the target answered 503"),
        (Told(b"", 404), "status", "the target answered 404"),
        (Told(b"", 401), "unauthorized", "the target answered 401: check its token"),
        (
            Told(b"", 302, {"Location": "http://x/"}),
            "rejected",
            "redirects to http://x/",
        ),
        (Told(b"<html>hello</html>"), "garbage", "line 1: a metric name is expected"),
        (Told(b"a 1\nb 2", cut=3), "truncated", "the answer broke off"),
        (
            Told(b"a 1\n", headers={"Content-Type": "application/openmetrics-text"}),
            "garbage",
            "does not end with # EOF",
        ),
    ],
)
def test_a_scrape_that_fails_is_down_and_told_and_brings_nothing_else(
    *,
    db: Database,
    clock: FakeClock,
    target: Target,
    told: Told,
    reason: str,
    message: str,
) -> None:
    target.told = told
    with closing(Setup(db, clock, target.web.url)) as setup:
        assert setup.scrape() == own(LABELS, 0, 0, 0)
        (failure,) = setup.failures
        assert (failure.job, failure.instance) == ("j", "i")
        assert (failure.time_ms, failure.reason) == (NOW_MS, reason)
        assert message in failure.message
        assert setup.counted("scrapes", outcome=reason) == 1
        target.told = None
        clock.advance(15)
        assert setup.scrape()[f"up{LABELS}"][-1] == (NOW_MS + 15_000, 1.0)


def test_a_failure_is_logged_when_it_is_new_and_when_it_is_over(
    db: Database, clock: FakeClock, target: Target
) -> None:
    outcomes = [
        Told(b"", 503),
        Told(b"", 503),
        Told(b"<html>" + b"x" * 9000),
        None,
        None,
        Told(b"", 503),
    ]
    with (
        closing(Setup(db, clock, target.web.url)) as setup,
        structlog.testing.capture_logs() as logs,
    ):
        for target.told in outcomes:
            setup.scrape()
            clock.advance(15)
        assert len(setup.failures) == 4

    of = {"source": "local", "target": "i"}
    busy = {
        "event": "a scrape failed",
        **of,
        "reason": "status",
        "error": "the target answered 503",
    }
    page = f"line 1: a metric name is expected in '<html>{'x' * 74}'..."
    assert logs == [
        {**busy, "log_level": "warning"},
        {**busy, "log_level": "debug"},
        {**busy, "reason": "garbage", "error": page, "log_level": "warning"},
        {"event": "a target answers again", **of, "log_level": "info"},
        {**busy, "log_level": "warning"},
    ]


def test_a_target_that_is_not_there_is_down(db: Database, clock: FakeClock) -> None:
    with FakeWeb(lambda _: Told()) as web:
        url = web.url
    with closing(Setup(db, clock, url)) as setup:
        assert setup.scrape() == own(LABELS, 0, 0, 0)
        assert [failure.reason for failure in setup.failures] == ["refused"]


@pytest.mark.setting("sources.scrape.timeout")
def test_a_slow_target_is_given_as_long_as_set(
    db: Database, clock: FakeClock, target: Target
) -> None:
    target.told = Told(b"a 1\n" * 99, drip=True)
    with closing(Setup(db, clock, target.web.url, timeout="100ms")) as setup:
        setup.scrape()
        (failure,) = setup.failures
        assert failure.reason == "timeout"
        assert failure.message == "no whole answer in 0.1 s"
        asked = target.web.asked[0].headers
        assert asked["x-prometheus-scrape-timeout-seconds"] == "0.1"


@pytest.mark.setting("sources.scrape.max_samples")
@pytest.mark.parametrize(("allowed", "up"), [(3, 1.0), (2, 0.0)])
def test_a_scrape_with_too_many_samples_is_refused_as_a_whole(
    db: Database, clock: FakeClock, target: Target, allowed: int, up: float
) -> None:
    target.text = "a 1\nb 2\nc 3\n"
    with closing(Setup(db, clock, target.web.url, max_samples=allowed)) as setup:
        found = setup.scrape()
        assert found[f"up{LABELS}"] == [(NOW_MS, up)]
        assert (f"a{LABELS}" in found) is (up == 1.0)
        told = [(one.reason, one.message) for one in setup.failures]
        too_many = ("too_large", "there are more than 2 samples")
        assert told == ([] if up else [too_many])


def test_a_body_too_large_for_its_samples_is_refused(
    db: Database, clock: FakeClock, target: Target
) -> None:
    body = gzip.compress(b"# " + b"x" * (2**20) + b"\na 1\n")
    target.told = Told(body, headers={"Content-Encoding": "gzip"})
    with closing(Setup(db, clock, target.web.url, max_samples=10)) as setup:
        setup.scrape()
        assert [failure.reason for failure in setup.failures] == ["too_large"]


def test_compressed_openmetrics_is_understood(
    db: Database, clock: FakeClock, target: Target
) -> None:
    text = b'# TYPE jobs counter\njobs_total 7 # {trace_id="x"} 1\n# EOF\n'
    headers = {
        "Content-Encoding": "gzip",
        "Content-Type": "application/openmetrics-text; version=1.0.0; charset=utf-8",
    }
    target.told = Told(gzip.compress(text), headers=headers)
    with closing(Setup(db, clock, target.web.url)) as setup:
        assert setup.scrape()[f"jobs_total{LABELS}"] == [(NOW_MS, 7.0)]
        assert setup.kinds()["jobs_total"] == "counter"
    assert target.web.asked[0].headers["accept-encoding"] == "gzip"


@pytest.mark.setting("sources.scrape.targets.bearer_token")
@pytest.mark.setting("sources.scrape.targets.bearer_token_file")
@pytest.mark.parametrize("by", ["bearer_token", "bearer_token_file"])
def test_the_token_of_the_settings_opens_the_target(
    db: Database, clock: FakeClock, target: Target, tmp_path: Path, by: str
) -> None:
    path = tmp_path / "token"
    path.write_text("s3cret\n", encoding="utf-8")
    value = str(path) if by == "bearer_token_file" else "s3cret"
    with closing(Setup(db, clock, target.web.url, target={by: value})) as setup:
        setup.scrape()
        assert setup.failures == []
    assert target.web.asked[0].headers["authorization"] == "Bearer s3cret"


def test_a_renewed_token_is_read_when_the_old_one_is_refused(
    db: Database, clock: FakeClock, target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o600)
    at = {"bearer_token_file": str(path)}
    with closing(Setup(db, clock, target.web.url, target=at)) as setup:
        setup.scrape()
        path.write_text("new", encoding="utf-8")
        target.told = Told(b"", 401)
        setup.scrape()
        target.told = None
        setup.scrape()
    sent = [asked.headers["authorization"] for asked in target.web.asked]
    assert sent == ["Bearer old", "Bearer old", "Bearer new"]


def test_a_token_that_cannot_be_read_fails_the_scrape(
    db: Database, clock: FakeClock, target: Target, tmp_path: Path
) -> None:
    at = {"bearer_token_file": str(tmp_path / "missing")}
    with closing(Setup(db, clock, target.web.url, target=at)) as setup:
        setup.scrape()
        (failure,) = setup.failures
    assert failure.reason == "unauthorized"
    assert "cannot be read" in failure.message
    assert target.web.asked == []


def test_no_token_is_sent_where_none_is_set(
    db: Database, clock: FakeClock, target: Target
) -> None:
    with closing(Setup(db, clock, target.web.url)) as setup:
        setup.scrape()
    assert "authorization" not in target.web.asked[0].headers


@pytest.mark.setting("sources.scrape.keep_raw")
def test_times_that_a_target_gives_are_honoured_within_bounds(
    db: Database, clock: FakeClock, target: Target
) -> None:
    earliest, latest = NOW_MS - 120_000, NOW_MS + 600_000
    target.text = (
        f"old {1} {earliest - 1}\nold_enough 2 {earliest}\n"
        f"ahead 3 {latest}\ntoo_far 4 {latest + 1}\n"
    )
    with closing(Setup(db, clock, target.web.url, keep_raw="2m")) as setup:
        assert setup.scrape() == {
            f"old_enough{LABELS}": [(earliest, 2.0)],
            f"ahead{LABELS}": [(latest, 3.0)],
            **own(LABELS, 1, 4, 4),
        }
        assert setup.counted("samples_dropped", reason="too_old") == 1
        assert setup.counted("samples_dropped", reason="too_far_ahead") == 1


@pytest.mark.rule(63)
def test_r63_a_late_sample_makes_its_finished_minute_dirty(
    db: Database, clock: FakeClock, target: Target
) -> None:
    minutes = {0: "done", 60: "partial", 120: "lost", 180: "open"}
    for back, state in minutes.items():
        ledger.record(db, Entry("local", "minute", MINUTE - back, state, samples=5))
    target.text = "".join(
        f"x{back} 1 {(MINUTE - back) * 1000}\n" for back in (60, 120, 180, 240)
    )
    with closing(Setup(db, clock, target.web.url)) as setup:
        setup.scrape()
    found = ledger.entries(db, "local", "minute", 0, 2**40)
    assert {entry.start: (entry.state, entry.reason) for entry in found} == {
        MINUTE: ("dirty", "late samples, batch 1"),
        **{
            MINUTE - back: ("dirty", "late samples, batch 1")
            for back in (60, 120, 180, 240)
        },
    }
    assert {entry.samples for entry in found} == {0, 5}


def test_a_scrape_that_the_writer_has_no_room_for_is_dropped_and_counted(
    db: Database, clock: FakeClock, target: Target
) -> None:
    with closing(Setup(db, clock, target.web.url)) as setup:
        setup.full = True
        assert setup.scrape() == {}
        assert setup.failures == []
        assert setup.counted("scrapes", outcome="dropped") == 1
        assert setup.counted("samples_dropped", reason="writer_busy") == 2
        setup.full = False
        assert f"load{LABELS}" in setup.scrape()


def test_nothing_is_asked_before_the_first_scrape(
    db: Database, clock: FakeClock, target: Target
) -> None:
    Setup(db, clock, target.web.url).close()
    assert target.web.asked == []


@pytest.mark.parametrize(
    ("exposed", "kept"),
    [
        ({}, {"job": "j", "instance": "i"}),
        (
            {"job": "x", "instance": "", "a": "b", "c": ""},
            {"job": "j", "instance": "i", "exported_job": "x", "a": "b"},
        ),
        (
            {"job": "x", "exported_job": "y"},
            {
                "job": "j",
                "instance": "i",
                "exported_job": "y",
                "exported_exported_job": "x",
            },
        ),
    ],
)
def test_labels_of_the_target_win_and_exposed_ones_are_kept_beside(
    exposed: dict[str, str], kept: dict[str, str]
) -> None:
    identity = Identity("x", tuple(exposed.items()))
    assert target_labels(identity, {"job": "j", "instance": "i"}) == kept


def test_a_real_exporter_is_scraped_into_windows(
    db: Database, clock: FakeClock, tmp_path: Path
) -> None:
    with (
        RealNodeExporter(tmp_path) as node,
        closing(Setup(db, clock, f"{node.url}/metrics")) as setup,
    ):
        for _ in range(3):
            setup.scrape()
            clock.advance(5)
    source = BufferSource(
        "local",
        db,
        describe=SeriesDirectory(db).describe,
        resolve=lambda facts: SeriesDirectory(db).resolve("local", facts, 0),
        interval_ms=5000,
        keep_raw=900,
        clock=clock,
        call=setup.call,
    )
    (block,) = source.read(MINUTE * 1000, (MINUTE + 60) * 1000, Warnings())
    rows = {row.id: row for row in everything(db)}
    metrics = [rows[series].metric for series in block.series_id.tolist()]
    assert len(metrics) > 300
    counts = dict(zip(metrics, np.diff(block.offsets).tolist(), strict=True))
    assert counts["node_load1"] == counts["up"] == 3
    kinds = kinds_of(db, block.series_id) == "counter"
    counters = {m for m, is_one in zip(metrics, kinds, strict=True) if is_one}
    assert "node_cpu_seconds_total" in counters
    assert not {"up", "node_load1", "node_memory_MemFree_bytes"} & counters


@pytest.mark.rule(11)
@pytest.mark.rule(12)
def test_r11_r12_what_a_target_exposes_no_longer_is_marked_as_prometheus_does(
    db: Database, clock: FakeClock, target: Target
) -> None:
    with closing(Setup(db, clock, target.web.url)) as setup:
        for text in ("a 1\nb 1\nold 1 1\n", "a 2\n", "a 3\nb 3\n"):
            target.text = text
            setup.scrape()
            clock.advance(15)
        target.told = Told(b"", 500)
        setup.scrape()
        clock.advance(15)
        setup.scrape()
    stored = buffer.read(db, "local", MINUTE, MINUTE + 120)
    stale = is_stale(stored.values)
    names = {row.id: row.metric for row in everything(db)}
    found = [
        (names[series], (time - NOW_MS) // 1000)
        for series, time in zip(
            stored.ids[stale].tolist(), stored.times[stale].tolist(), strict=True
        )
    ]
    assert sorted(found) == [("a", 45), ("b", 15), ("b", 45)]


@pytest.mark.rule(15)
def test_r15_a_dated_sample_that_is_told_again_is_taken_once(
    db: Database, clock: FakeClock, target: Target
) -> None:
    earlier = NOW_MS - 90_000
    with closing(Setup(db, clock, target.web.url)) as setup:
        for value in (1, 1, 1, 2):
            target.text = f"old {value} {earlier}\n"
            setup.scrape()
            clock.advance(15)
    start = earlier // 60_000 * 60
    _, times, values, *_ = buffer.read(db, "local", start, start + 60)
    assert [v for t, v in zip(times.tolist(), values.tolist(), strict=True)] == [
        1.0,
        2.0,
    ]
    assert set(times.tolist()) == {earlier}


HISTOGRAM = """\
# TYPE h histogram
h_bucket{{path="/",le="1"}} {low}
h_bucket{{path="/",le="2.0"}} {mid}
h_bucket{{path="/",le="+Inf"}} {high}
h_sum{{path="/"}} {total}
h_count{{path="/"}} {high}
# TYPE s summary
s{{quantile="0.5"}} 3
s_count 4
"""


def test_the_parts_of_a_histogram_are_kept_as_those_of_one_series(
    db: Database, clock: FakeClock, target: Target
) -> None:
    with closing(Setup(db, clock, target.web.url)) as setup:
        for n in range(2):
            target.text = HISTOGRAM.format(low=n, mid=n + 2, high=n + 3, total=n + 0.5)
            setup.scrape()
            clock.advance(5)
        kinds = setup.kinds()
        added = setup.samples()[f"scrape_series_added{LABELS}"]
    assert {name: kinds[name] for name in ("h", "s", "s_count")} == {
        "h": "histogram",
        "s": "summary",
        "s_count": "counter",
    }
    assert not {"h_bucket", "h_sum", "h_count"} & kinds.keys()
    assert [value for _, value in added] == [7.0, 0.0], "exposed series, as ever"
    source = BufferSource(
        "local",
        db,
        describe=setup.directory.describe,
        resolve=setup.resolve,
        interval_ms=5000,
        keep_raw=900,
        clock=clock,
        call=setup.call,
    )
    start, end = MINUTE * 1000, (MINUTE + 60) * 1000
    warnings = Warnings()
    block, families = source.read(start, end, warnings)
    assert isinstance(block, Block)
    assert isinstance(families, Families)
    names = {row.id: row.metric for row in everything(db)}
    assert [names[number] for number in families.series_id.tolist()] == ["h"]
    assert families.times.tolist() == [NOW_MS, NOW_MS + 5000]
    assert families.expected.tolist() == [12]
    assert families.bounds == ((1.0, 2.0, math.inf),)
    assert families.cumulative.tolist() == [[0, 2, 3], [1, 3, 4]]
    assert families.observations.tolist() == [3, 4]
    assert families.totals.tolist() == [0.5, 1.5]
    assert "h" not in {names[number] for number in block.series_id.tolist()}
    assert warnings.held == source.count(start, end)


@pytest.mark.rule(15)
def test_r15_a_dated_histogram_that_is_told_again_is_taken_once(
    db: Database, clock: FakeClock, target: Target
) -> None:
    at = NOW_MS - 90_000
    with closing(Setup(db, clock, target.web.url)) as setup:
        for high in (3, 3, 4):
            target.text = (
                f'h_bucket{{le="1"}} 1 {at}\nh_bucket{{le="+Inf"}} {high} {at}\n'
                f"h_sum 2 {at}\nh_count {high} {at}\n"
            )
            setup.scrape()
            clock.advance(15)
        assert setup.kinds()["h"] == "histogram", "by its buckets alone"
    found = buffer.read(db, "local", 0, at // 60_000 * 60 + 60)
    kept = sorted(zip(found.parts.tolist(), found.values.tolist(), strict=True))
    assert kept == [(1, 1.0), (1, 3.0), (1, 4.0), (2, 2.0), (3, 3.0), (3, 4.0)]
