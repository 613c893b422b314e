from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.answers.find import find_series, members_asked
from bridge.answers.rollups import Answer, Question, ask
from bridge.answers.selectors import parse
from bridge.answers.times import Span
from bridge.answers.writing import rollups_csv, rollups_document, to_json
from bridge.rollup.buckets.blobs import merge
from bridge.rollup.buckets.distinct import ERROR, hashes, sketches
from bridge.rollup.buckets.distributions import distributions
from bridge.rollup.buckets.layouts import layout_id
from models.queries.layouts import remember
from tests.bridge.history import DAY, HOUR, MINUTE, History, Row, counter, gauge
from tests.bridge.rollup.families import SMALL, Scrape, windows

if TYPE_CHECKING:
    from bridge.rollup.windows import Resolution
    from models.database import Database

BEGIN = 1_699_920_000


def packed(*counts: float) -> bytes:
    (rows,) = windows([Scrape(0, (0, 0, 0)), Scrape(1, counts)])
    blob = rows.buckets[0]
    assert isinstance(blob, bytes)
    return blob


def seen(*values: str) -> bytes:
    return sketches(hashes(values), np.zeros(len(values), np.int64), 1)[0]


def done(history: History, resolution: Resolution, windows: int) -> None:
    width = resolution.width
    history.mark(resolution, range(BEGIN, BEGIN + windows * width, width))


def histogram(history: History, resolution: Resolution, *rows: Row) -> int:
    number = history.series("latency", kind="histogram")
    width = resolution.width
    history.rows(
        resolution, number, {BEGIN + at * width: row for at, row in enumerate(rows)}
    )
    done(history, resolution, len(rows))
    return number


def answered(
    db: Database, text: str, resolution: Resolution, *names: str, windows: int = 2
) -> Answer:
    chosen = [parse(text)]
    end = BEGIN + windows * resolution.width
    question = Question(
        Span(BEGIN, end), end, resolution, names, notes=members_asked(db, chosen)
    )
    return ask(db, find_series(db, chosen), question, 10_000)


def figures(answer: Answer) -> dict[str, list[float]]:
    (line,) = answer.lines
    return {name: column.values.tolist() for name, column in line.columns.items()}


@pytest.mark.parametrize("resolution", [MINUTE, HOUR, DAY])
def test_a_histogram_is_answered_by_rate_mean_and_percentiles(
    db: Database, resolution: Resolution
) -> None:
    history = History(db)
    with db.atomic():
        remember(db, {layout_id(SMALL): SMALL})
    rows = (
        Row(sum=6.0, increase=8.0, buckets=packed(4, 8, 8)),
        Row(sum=0.0, increase=0.0, buckets=packed(0, 0, 0)),
    )
    histogram(history, resolution, *rows)
    answer = answered(db, "latency", resolution)
    found = figures(answer)
    assert list(found) == ["rate", "avg", "p50", "p95", "p99"]
    assert found["rate"] == [8 / resolution.width, 0]
    assert found["avg"][0] == 0.75
    assert found["p50"][0] == 1.0
    assert found["p95"][0] == pytest.approx(1.9)
    assert math.isnan(found["avg"][1])
    assert math.isnan(found["p50"][1])
    document = rollups_document(answer)["series"][0]
    assert document["bounds"]["p95"]["lower"].tolist()[0] == 1
    assert document["bounds"]["p95"]["upper"].tolist()[0] == 2
    assert b'"p50":[1.0,null]' in to_json(rollups_document(answer))
    assert answer.notes == ()


def test_percentiles_of_a_histogram_in_csv_have_their_bounds(db: Database) -> None:
    history = History(db)
    with db.atomic():
        remember(db, {layout_id(SMALL): SMALL})
    histogram(history, HOUR, Row(increase=8.0, buckets=packed(4, 8, 10)))
    text = "".join(
        rollups_csv(answered(db, "latency", HOUR, "p99.5", "quantile(2)", windows=1))
    )
    heading, row = text.splitlines()
    assert heading.endswith(
        "p99.5,p99.5_lower,p99.5_upper,quantile(2),quantile(2)_lower,quantile(2)_upper"
    )
    assert row.endswith("2.0,2.0,+Inf,+Inf,+Inf,+Inf")


def test_what_is_not_merged_yet_has_percentiles_too(db: Database) -> None:
    history = History(db)
    with db.atomic():
        remember(db, {layout_id(SMALL): SMALL})
    histogram(
        history,
        MINUTE,
        Row(sum=1.0, increase=4.0, buckets=packed(4, 4, 4)),
        Row(sum=5.0, increase=4.0, buckets=packed(0, 4, 4)),
    )
    answer = answered(db, "latency", HOUR, "p50", "avg", windows=1)
    assert answer.open == {"local": (BEGIN,)}
    assert figures(answer) == {"p50": [1.0], "avg": [0.75]}


def test_extremes_of_a_gauge_narrow_its_percentiles(db: Database) -> None:
    history = History(db)
    number = history.series("heat")
    values = np.full(4, 5.0)
    (blob,) = distributions(values, np.zeros(4, np.int64), 1, 5)
    history.rows(HOUR, number, {BEGIN: Row(20.0, 5.0, 5.0, buckets=blob)})
    done(history, HOUR, 1)
    answer = answered(db, "heat", HOUR, "p95", windows=1)
    (line,) = answer.lines
    column = line.columns["p95"]
    assert column.lower is not None
    assert (column.values[0], column.lower[0]) == (5, 5)


def test_gauges_without_a_distribution_are_answered_with_a_note(db: Database) -> None:
    history = History(db)
    number = history.series("heat")
    history.rows(HOUR, number, {BEGIN: gauge(5.0)})
    done(history, HOUR, 1)
    answer = answered(db, "heat", HOUR, "avg", "p95", windows=1)
    assert answer.notes == (
        "of heat no distribution is kept: p95 is null (see rollup.distributions)",
    )


def test_percentiles_of_a_counter_are_said_not_to_be_kept(db: Database) -> None:
    history = History(db)
    number = history.series("hits_total", kind="counter")
    history.rows(HOUR, number, {BEGIN: counter(5.0)})
    done(history, HOUR, 1)
    answer = answered(db, "hits_total", HOUR, "increase", "p95", windows=1)
    (note,) = answer.notes
    assert note == (
        "hits_total is a counter, of whose samples no percentiles are kept: p95 is null"
    )


@pytest.mark.rule(57)
def test_r57_distinct_values_of_an_hour_are_a_union(db: Database) -> None:
    history = History(db)
    number = history.series("clients", kind="distinct")
    minutes = [seen("a", "b"), seen("b", "c")]
    rows = {BEGIN + 60 * at: Row(buckets=blob) for at, blob in enumerate([*minutes])}
    history.rows(MINUTE, number, rows)
    history.rows(HOUR, number, {BEGIN: Row(buckets=merge([minutes])[0])})
    done(history, MINUTE, 2)
    done(history, HOUR, 1)
    assert figures(answered(db, "clients", MINUTE))["distinct"] == pytest.approx(
        [2, 2], abs=0.01
    )
    answer = answered(db, "clients", HOUR, windows=1)
    (line,) = answer.lines
    column = line.columns["distinct"]
    assert column.values == pytest.approx([3], abs=0.01)
    assert column.upper is not None
    assert column.upper == pytest.approx([3 * (1 + 3 * ERROR)], abs=0.02)


@pytest.mark.parametrize(
    ("asked", "instead"),
    [
        ("latency_bucket", "percentiles such as p95"),
        ("latency_count", "increase or rate, which count its observations"),
        ("latency_sum", "sum, or avg for the mean of its observations"),
    ],
)
def test_parts_of_a_histogram_are_asked_of_the_histogram(
    db: Database, asked: str, instead: str
) -> None:
    history = History(db)
    histogram(history, HOUR, Row(increase=1.0))
    answer = answered(db, f'{asked}{{job="web"}}', HOUR)
    assert answer.notes == (
        "no series is selected",
        f"{asked} is a part of the histogram latency: ask latency for {instead}",
    )
    history.series(asked)
    assert members_asked(db, [parse(asked)]) == ()
    assert members_asked(db, [parse("other_count")]) == ()
