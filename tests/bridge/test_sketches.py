"""What the settings ask for besides figures, from a source to rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from bridge.composition import compose, parts_of
from bridge.rollup.buckets.blobs import kind_of
from bridge.rollup.buckets.distinct import estimate
from bridge.rollup.buckets.packing import Kind
from bridge.rollup.windows import Window
from bridge.telemetry import Telemetry
from bridge.writer import Writer
from runtime.settings import Settings
from tests.fake_prometheus import FakePrometheus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.database import Database
    from tests.fakes import FakeClock

BEGIN = 1_700_000_040


@pytest.fixture
def server() -> Iterator[FakePrometheus]:
    with FakePrometheus() as fake:
        yield fake


def roll_up(
    db: Database, clock: FakeClock, server: FakePrometheus, minutes: int, **rollup: Any
) -> dict[tuple[str, str, int], tuple[Any, ...]]:
    """Do so many minutes; return kind, count, last, increase and buckets of rows."""
    source = {"name": "main", "kind": "prometheus", "url": server.url}
    settings = Settings.model_validate(
        {"sources": [{**source, "workspace": "shop"}], "rollup": rollup}
    )
    telemetry = Telemetry.create(CollectorRegistry())
    writer = Writer(telemetry, clock, db.close)
    writer.start()
    composition = compose(settings, parts_of(db, writer, telemetry, clock), writer)
    try:
        for minute in range(minutes):
            composition.engines[0].do(Window(BEGIN + 60 * minute))
    finally:
        composition.close()
        writer.stop()
    cursor = db.execute_sql(
        "SELECT s.metric, s.labels, r.start, s.kind, s.workspace, r.count, r.last, "
        "r.increase, r.buckets FROM rollup_minute r JOIN series s ON s.id = r.series_id"
    )
    return {(row[0], row[1], row[2] - BEGIN): row[3:] for row in cursor.fetchall()}


def feed(server: FakePrometheus, name: str, *values: float, **labels: str) -> None:
    """Give a series a sample every 15 s."""
    samples = [((BEGIN + 15 * n) * 1000, value) for n, value in enumerate(values)]
    server.add(name, samples, **labels)


def test_distinct_values_are_a_series_of_the_source(
    db: Database, clock: FakeClock, server: FakePrometheus
) -> None:
    server.metadata = {"requests_total": [{"type": "counter", "help": ""}]}
    for n in range(30):
        late = 1 if n < 20 else 0
        feed(server, "requests_total", 0, 0, 0, late, late, 5, ip=f"10.0.0.{n}")
    counted = {"name": "clients", "match": "requests_total", "label": "ip"}
    rows = roll_up(db, clock, server, 2, distinct=[counted])
    labels = '{"of":"clients"}'
    found = [rows["epimetheus_distinct", labels, start] for start in (0, 60)]
    assert [row[:3] for row in found] == [("distinct", "shop", 1)] * 2
    assert [round(row[3]) for row in found] == [20, 30]
    assert [row[3] for row in found] == [estimate(bytes(row[-1])) for row in found]


def test_gauges_that_match_carry_their_distribution(
    db: Database, clock: FakeClock, server: FakePrometheus
) -> None:
    feed(server, "queue", 3, 1, 2, 3, job="a")
    feed(server, "other", 3, 1, 2, 3, job="a")
    rows = roll_up(db, clock, server, 1, distributions=[{"match": "queue"}])
    queue, other = (rows[name, '{"job":"a"}', 0] for name in ("queue", "other"))
    assert kind_of(bytes(queue[-1])) is Kind.DISTRIBUTION
    assert other[-1] is None
    assert queue[2:4] == (4, 3.0)


def test_where_a_number_has_the_name_of_a_histogram_the_number_stays(
    db: Database, clock: FakeClock, server: FakePrometheus
) -> None:
    feed(server, "both", 7, 7, 7, 7)
    for bound, value in (("1", 2.0), ("+Inf", 3.0)):
        feed(server, "both_bucket", value, value, value, value, le=bound)
        feed(server, "alone_bucket", value, value, value, value, le=bound)
    rows = roll_up(db, clock, server, 1)
    assert rows["both", "{}", 0][2:4] == (4, 7.0)
    assert rows["alone", "{}", 0][2:5] == (4, 3.0, 0.0)
    assert {name for name, *_ in rows} == {"both", "alone"}
