"""Two days in a real Prometheus, rolled up, against an oracle that shares no code.

Counter resets, restarts, renamed pods, gaps, NaN, infinities, changing buckets and two
replicas; see `past`. Every column of every row is compared.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from bridge.composition import compose, parts_of
from bridge.rollup.buckets.classic import increases
from bridge.sources.prometheus import PrometheusSource
from bridge.telemetry import Telemetry
from bridge.writer import Writer
from models.database import open_database
from models.migrate import Migrations
from runtime.clock import SystemClock
from runtime.settings import Settings
from runtime.validation import validate
from tests.e2e.two_days import again, past, truth
from tests.servers import RealPrometheus, create_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from models.database import Database
    from tests.e2e.two_days.past import Labels
    from tests.e2e.two_days.truth import Row, Rows

END: Final = past.START + past.SECONDS
CONFIG: Final = "global:\n  scrape_interval: 15s\nscrape_configs: []\n"
ZONES: Final = {"berlin": "Europe/Berlin", "kathmandu": "Asia/Kathmandu"}
COLUMNS: Final = (
    "count, sum, min, max, first, last, increase, resets, changes, flags, gap, "
    "last_offset, buckets"
)
INEXACT: Final = ("app_temperature", "app_ticks_total")
MANY_MINUTES: Final = 1440


@dataclass(frozen=True, slots=True)
class World:
    """The tables, what they must hold, and what looking at them again found."""

    db: Database
    past: past.Past
    minutes: Rows
    again: again.Found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("two-days")
    recorded = past.recorded()
    create_blocks(directory / "data", past.openmetrics(recorded))
    with RealPrometheus(directory, CONFIG) as server:
        db = open_database(f"sqlite:///{directory / 'rollups.db'}")
        Migrations(db).up()
        found = roll_up(db, server.url)
    yield World(db, recorded, truth.minutes(recorded), found)
    db.close()


def roll_up(db: Database, url: str) -> again.Found:
    """Do all windows of the two days, as the engine finds them itself.

    Return what is found when all of them are looked at again.
    """
    settings = validate(
        {
            "sources": [
                {
                    "name": "main",
                    "kind": "prometheus",
                    "url": url,
                    "replica_label": "replica",
                    "initial_history": "10000d",
                }
            ],
            "calendars": [{"name": n, "zone": zone} for n, zone in ZONES.items()],
            "rollup": {"catch_up": MANY_MINUTES},
        }
    )
    assert isinstance(settings, Settings)
    clock = SystemClock()
    telemetry = Telemetry.create(CollectorRegistry())
    writer = Writer(telemetry, clock, db.close)
    writer.start()
    composed = compose(settings, parts_of(db, writer, telemetry, clock), writer)
    (engine,) = composed.engines
    with pytest.MonkeyPatch.context() as patch:
        at_the_end = round((END + settings.rollup.settle) * 1000)
        patch.setattr(PrometheusSource, "now_ms", lambda _: at_the_end)
        engine.beat()
    found = again.look(db, composed.sources[0], engine.reread, settings)
    composed.close()
    writer.stop()
    return found


def stored(db: Database, table: str, where: str = "1 = 1") -> Rows:
    """Return the rows of a table by series and start."""
    bounds = {
        number: tuple(map(float, json.loads(text)))
        for number, text in db.execute_sql("SELECT id, bounds FROM layouts").fetchall()
    }
    cursor = db.execute_sql(
        f"SELECT s.metric, s.labels, r.start, s.kind, {COLUMNS} FROM {table} r "
        f"JOIN series s ON s.id = r.series_id WHERE {where}"
    )
    found: Rows = {}
    for metric, labels, start, kind, *columns in cursor.fetchall():
        said: Labels = tuple(sorted({**json.loads(labels), "__name__": metric}.items()))
        found[said, start] = as_row(columns, start, kind, bounds)
    return found


def as_row(
    columns: list[Any], start: int, kind: str, bounds: Mapping[int, tuple[float, ...]]
) -> Row:
    *figures, flags, gap, last_offset, blob = columns
    count, total, low, high, first, last, increase, resets, changes = figures
    buckets = {}
    if blob is not None and kind == "histogram":
        for layout, pile in increases([blob], np.zeros(1, np.int64)).items():
            counts = np.cumsum(np.asarray(pile.counts)[0]).tolist()
            buckets[bounds[layout]] = dict(zip(bounds[layout], counts, strict=True))
    return truth.Row(
        count=count,
        sum=total,
        min=low,
        max=high,
        first=first,
        last=last,
        increase=increase,
        resets=resets,
        changes=changes,
        flags=flags,
        gap=gap,
        last_at=start * 1000 + last_offset if count else 0,
        buckets=buckets,
    )


def differences(found: Rows, wanted: Rows) -> list[str]:
    """Return what differs, a line for each row."""
    told = [f"missing: {key}" for key in wanted.keys() - found.keys()]
    told += [f"too many: {key}" for key in found.keys() - wanted.keys()]
    told += [
        f"{key}: {found[key]}, not {wanted[key]}"
        for key in wanted.keys() & found.keys()
        if found[key] != wanted[key]
    ]
    return sorted(told)


def rounded(found: Rows, wanted: Rows) -> Rows:
    """Return rows with the wanted sums where theirs differ by rounding alone.

    A day's sum of fractions depends on what was added first, by less than 1e-12 of it
    (R44). Only temperatures have fractions, and ticks are beyond 2^53 (R18).
    """
    same: Rows = {}
    for key, row in found.items():
        total = wanted[key].sum if key in wanted else None
        fractions = dict(key[0])["__name__"] in INEXACT
        close = fractions and math.isclose(row.sum or 0.0, total or 0.0, rel_tol=1e-12)
        same[key] = replace(row, sum=total) if close else row
    return same


def test_there_is_something_of_everything(world: World) -> None:
    flags: Counter[int] = Counter()
    for row in world.minutes.values():
        flags.update(bit for bit in map(int, 2 ** np.arange(14)) if row.flags & bit)
    for flag in (truth.BASELINE, truth.NAN, truth.INFINITE, truth.NO_SUM):
        assert flags[flag], flag
    for flag in (truth.IMPRECISE, truth.CREATED, truth.APPEARED, truth.LAYOUT):
        assert flags[flag], flag
    assert sum(row.resets for row in world.minutes.values()) > 50
    assert sum(row.gap > 0 for row in world.minutes.values()) > 50
    assert len(world.minutes) > 90_000


def test_minutes_are_what_the_oracle_says(world: World) -> None:
    assert differences(stored(world.db, "rollup_minute"), world.minutes) == []


def test_nothing_is_wrong_when_everything_is_looked_at_again(world: World) -> None:
    assert world.again.wrong == []
    assert world.again.outcomes.keys() == {"same"}
    assert world.again.outcomes["same"] > MANY_MINUTES
    assert world.again.explained["app_jobs_total"] > 1


@pytest.mark.parametrize(
    ("table", "width"), [("rollup_hour", 3600), ("rollup_day", 86400)]
)
def test_hours_and_days_are_the_minutes_merged(
    world: World, table: str, width: int
) -> None:
    starts = range(past.START, END, 60)
    wanted = truth.merged(world.minutes, {at: at - at % width for at in starts})
    assert differences(rounded(stored(world.db, table), wanted), wanted) == []


@pytest.mark.rule(5)
@pytest.mark.parametrize("calendar", ZONES)
def test_r5_local_days_are_the_minutes_merged(world: World, calendar: str) -> None:
    windows = {}
    zone = ZoneInfo(ZONES[calendar])
    for at in range(past.START, END, 60):
        day = datetime.fromtimestamp(at, zone).date()
        begin, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        if end <= END:
            windows[at] = begin
    wanted = truth.merged(world.minutes, windows)
    found = stored(world.db, "rollup_local_day", f"r.calendar = '{calendar}'")
    assert differences(rounded(found, wanted), wanted) == []


def midnight(day: date, zone: ZoneInfo) -> int:
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    return int(local.astimezone(UTC).timestamp())


def test_no_window_is_missing_and_lost_ones_are_those_without_a_scrape(
    world: World,
) -> None:
    states = dict(
        world.db.execute_sql(
            "SELECT start, state FROM ledger WHERE resolution = 'minute'"
        ).fetchall()
    )
    assert sorted(states) == list(range(past.START, END, 60))
    heard = {at // 60_000 * 60 for samples in world.past.values() for at, _ in samples}
    lost = {start for start, state in states.items() if state == "lost"}
    assert lost == states.keys() - heard
    assert lost


@pytest.mark.rule(44)
def test_r44_totals_of_integers_add_up_at_every_width_to_the_raw_total(
    world: World,
) -> None:
    tables = ("rollup_minute", "rollup_hour", "rollup_day")
    sums = [
        {
            (metric, labels): total
            for metric, labels, total in world.db.execute_sql(
                "SELECT s.metric, s.labels, SUM(r.increase) "
                f"FROM {table} r JOIN series s ON s.id = r.series_id "
                "WHERE r.increase IS NOT NULL GROUP BY s.metric, s.labels"
            ).fetchall()
        }
        for table in tables
    ]
    assert sums[0] == sums[1] == sums[2]
    raw = {
        (dict(labels)["__name__"], truth_labels(labels)): total(samples)
        for labels, samples in truth.Chosen(world.past).samples()
        if dict(labels)["__name__"] == "app_requests_total"
    }
    assert len(raw) == 6
    assert {key: sums[0][key] for key in raw} == raw


def truth_labels(labels: Labels) -> str:
    said = {name: value for name, value in labels if name != "__name__"}
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def total(samples: list[tuple[int, float]]) -> float:
    """Return last raw - first raw + what stood before each reset."""
    values = [value for _, value in samples]
    resets = sum(a for a, b in pairwise(values) if b < a)
    return values[-1] - values[0] + resets
